import { expect } from "chai";
import { writeFile } from "node:fs/promises";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import type { DrawbridgeEvent, DrawbridgeProcess } from "../../support/cli.ts";
import { peerSuite } from "../../support/peer-suite.ts";
import { Tinyproxy } from "../../support/tinyproxy.ts";
import { NetworkBench } from "./network-bench.ts";

const USER = "maria";
const PASSWORD = "canary5f0c2a";

peerSuite("a real proxy that wants a password (PEERS pain 12)", ["tinyproxy"], function () {
  const resources = new AsyncDisposableStack();
  let bench: NetworkBench;
  let proxy: Tinyproxy;
  let tenant: DrawbridgeProcess;
  /** What an operator's shell has. */
  let env: NodeJS.ProcessEnv;

  before(async function () {
    this.timeout(60_000);
    bench = resources.use(await NetworkBench.start());
    proxy = resources.use(await Tinyproxy.start({ user: USER, password: PASSWORD, connectPort: bench.port }));
    env = { HTTPS_PROXY: `http://${USER}:${PASSWORD}@${proxy.address}` };
    const folder = resources.use(await TemporaryFolder.create("password"));
    await writeFile(folder.file("password"), `${PASSWORD}\n`);
    const password = ["--proxy-password-file", folder.file("password")];
    await bench.enrollTenant("acme", ["--proxy", `http://${USER}@${proxy.address}`, ...password]);
    await bench.enrollOperator("ann", [], env);
    tenant = await bench.start(["tenant", "run"], "ready");
  });
  after(async function () {
    this.timeout(60_000);
    await resources.disposeAsync();
  });

  const refused = async (args: readonly string[], variables: NodeJS.ProcessEnv, code = 4): Promise<DrawbridgeEvent> => {
    const { events } = await bench.run(args, variables, undefined, code);
    const error = events.find(({ event }) => event === "error");
    if (error === undefined) throw new Error("the command printed no error event");
    return error;
  };

  it("carries enrolment, the control connections and every leg, half-closes included", async () => {
    const before = proxy.targets.length;
    // Two for each enrolment, and the tenant's control connection.
    expect(before).to.be.at.least(5);
    const session = await bench.connect("acme", [], env);
    await bench.exchange(session);
    await bench.exchange(session);
    await bench.stop(session);
    // The operator's channel, and two legs a link.
    expect(proxy.targets.length - before).to.equal(5);
    expect(new Set(proxy.targets)).to.deep.equal(new Set([bench.address]));
  }).timeout(60_000);

  it("carries legs inside of TLS as well", async () => {
    const session = await bench.connect("acme", ["--leg-transport", "tls"], env);
    await bench.exchange(session);
    await bench.stop(session);
  }).timeout(60_000);

  it("is reported when the password is wrong or missing, or the port is forbidden", async () => {
    const wrong = await refused(["tenants"], { HTTPS_PROXY: `http://${USER}:nonsense@${proxy.address}` });
    expect(wrong["message"]).to.contain(`the proxy http://${proxy.address} does not accept the user and password`);
    const missing = await refused(["tenants"], { https_proxy: proxy.address });
    expect(missing["message"]).to.contain(`the proxy http://${proxy.address} wants a user and a password`);
    await using other = await Tinyproxy.start({ connectPort: 443 });
    const forbidden = await refused(["tenants"], { ALL_PROXY: `http://${other.address}` });
    expect(forbidden["message"]).to.contain(`forbids connections to ${bench.address} (it answered 403)`);
    expect(forbidden["remedy"]).to.contain("port 443");
  }).timeout(60_000);

  it("is reported in the same words for enrolment", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const enroll = ["operator", "enroll", "-", "--replace", "--proxy", url];
    const { events } = await bench.run(enroll, {}, await bench.invite("operator", "ann"), 4);
    const error = events.find(({ event }) => event === "error");
    expect(error?.["message"]).to.match(/^the proxy cannot be reached: 127\.0\.0\.1:\d+ refused the connection$/);
  }).timeout(60_000);

  it("is left out where NO_PROXY or the command line says so", async () => {
    const dead = { HTTPS_PROXY: `http://127.0.0.1:${await freePort()}` };
    expect((await refused(["tenants"], dead))["message"]).to.contain("the proxy cannot be reached");
    await bench.run(["tenants"], { ...dead, NO_PROXY: "example, 127.0.0.0/8" });
    const session = await bench.connect("acme", ["--no-proxy"], dead);
    await bench.echo(session);
    await bench.stop(session);
  }).timeout(60_000);

  it("may go away and come back: the tenant follows", async () => {
    await proxy.stop();
    const again = tenant.events.length;
    await proxy.start();
    await tenant.waitForEvent("connected", {
      timeoutMs: 60_000,
      where: (event) => tenant.events.indexOf(event) >= again,
    });
    const session = await bench.connect("acme", [], env);
    await bench.exchange(session);
    await bench.stop(session);
  }).timeout(120_000);

  it("keeps its password from command lines, outputs, logs and errors", async () => {
    const error = await refused(["tenant", "network", "--proxy", `http://${USER}:${PASSWORD}@${proxy.address}`], {}, 2);
    expect(error["message"]).to.contain("others on this machine can see");
    const { events } = await bench.run(["tenant", "network"]);
    expect(events[0]).to.include({ proxy: `http://${proxy.address}`, user: USER, source: "the home" });
    await bench.stop(tenant);
    const said = bench.outputs.join("\n");
    expect(said).to.contain(`the proxy is http://${proxy.address}`);
    expect(said).to.not.contain(PASSWORD);
    expect(said).to.not.contain(Buffer.from(`${USER}:${PASSWORD}`).toString("base64"));
  }).timeout(60_000);
});
