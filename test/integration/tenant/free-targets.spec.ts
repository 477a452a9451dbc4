import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { until } from "../../../scripts/demo/until.ts";
import type { DrawbridgeEvent, DrawbridgeProcess } from "../../support/cli.ts";
import { expectCli, startCli, stopCli } from "../../support/cli.ts";
import { readBytes } from "../../support/dataplane-sockets.ts";
import { ConsentChain } from "./consent-chain.ts";

const hasIpv6Loopback = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

/** Says hello on a loopback address, and counts to whom. */
async function greeterOn(host: string) {
  const state = { port: 0, greeted: 0 };
  const server = createServer((socket) => {
    state.greeted += 1;
    socket.on("error", () => {}).end("hello\n");
  });
  server.listen(0, host);
  await once(server, "listening");
  state.port = (server.address() as AddressInfo).port;
  return Object.assign(state, { close: () => server.close() });
}

const program = ["-e", `require("net").connect(process.argv[2], process.argv[1]).pipe(process.stdout)`];

describe("free targets, by the command line", function () {
  this.timeout(120_000);
  let chain: ConsentChain;
  let greeter: Awaited<ReturnType<typeof greeterOn>>;

  before(async () => {
    chain = await ConsentChain.start();
    greeter = await greeterOn("127.0.0.1");
  });
  after(async () => {
    greeter.close();
    await chain.stop();
  });

  const home = () => ({ home: chain.chain.operatorHome });
  const permit = (rules: string): Promise<void> =>
    chain.policy(`rules: [{ decision: allow }]\nfree_targets:\n  - ${rules}\n`);

  async function refused(target: string, code = "consent-refused", exitCode = 3): Promise<string> {
    await using operator = await chain.connect(["--target", target]);
    const { events, code: exit } = await operator.ended();
    const error = events.find(({ event }) => event === "error");
    expect([error?.["code"], exit], target).to.deep.equal([code, exitCode]);
    return String(error?.["message"]);
  }

  async function greets(operator: DrawbridgeProcess, target: string): Promise<void> {
    const { host, port } = await operator.waitForEvent("listening", { where: (event) => event["target"] === target });
    const socket = connect({ host: String(host), port: Number(port) });
    expect((await readBytes(socket, 6)).toString()).to.equal("hello\n");
    socket.destroy();
  }

  const tenants = async (): Promise<DrawbridgeEvent | undefined> =>
    (await expectCli(["tenants", "--json"], home())).events[0];

  it("are none until the tenant's policy permits some, which `tenants` shows then", async () => {
    expect(await tenants()).to.include({ freeTargets: false });
    const message = await refused(`127.0.0.1:${greeter.port}`, "target-not-found", 2);
    expect(message).to.equal(`tenant acme has no target 127.0.0.1:${greeter.port}`);
    await permit(`{ decision: allow, networks: 127.0.0.1, ports: ${greeter.port} }`);
    const shown = async (): Promise<true | undefined> => (await tenants())?.["freeTargets"] === true || undefined;
    await until(shown, { what: "the tenant with free targets", timeoutMs: 30_000, intervalMs: 200 });
    expect((await expectCli(["tenants"], home())).tail).to.match(/rdp \+ free targets/);
  });

  it("are reached beside named ones, by an address and by a name, and shown as they are", async () => {
    await permit(`{ decision: allow, networks: [127.0.0.0/8, "::1"], ports: ${greeter.port} }`);
    const [byAddress, byName] = [`127.0.0.1:${greeter.port}`, `localhost:${greeter.port}`];
    const targets = ["--target", "rdp", "--target", byAddress, "--target", `LocalHost.:${greeter.port}`];
    await using operator = await chain.connect([...targets, "--target", byName, "--listen", "127.0.0.1:0"]);
    await greets(operator, byAddress);
    await greets(operator, byName);
    await operator.waitForEvent("listening", { where: (event) => event["target"] === "rdp" });
    const { events } = await expectCli(["sessions", "--json"], home());
    expect(events.map((event) => event["target"])).to.have.members(["rdp", byAddress, byName]);
    const [status] = await chain.tenant(["status"]);
    const sessions = status?.["sessions"] as { target: string }[];
    expect(sessions.map(({ target }) => target)).to.have.members(["rdp", byAddress, byName]);
    await stopCli(operator);
    const opened = (await chain.tenant(["audit"])).filter(({ event }) => event === "session-opened");
    const details = opened.map((event) => event["details"] as { target: string; addresses?: string[] });
    expect(details.find(({ target }) => target === byName)?.addresses).to.include("127.0.0.1");
  });

  it("are denied on another port, at another address, in a disguise, and where a name leads elsewhere", async () => {
    const { port, greeted } = greeter;
    await permit(`{ decision: allow, networks: [127.0.0.1, 10.0.0.0/8], ports: ${port} }`);
    await refused(`127.0.0.1:${chain.target.address.port}`);
    await refused(`127.0.0.2:${port}`);
    await refused(`169.254.169.254:${port}`);
    await refused(`[::ffff:127.0.0.1]:${port}`);
    await refused(`127.1:${port}`, "invalid-argument", 2);
    await refused(`0x7f000001:${port}`, "invalid-argument", 2);
    await permit(`{ decision: allow, names: localhost, networks: [0.0.0.0/0, "::/0"], ports: ${port} }`);
    await refused(`localhost:${port}`);
    await permit(`{ decision: allow, names: "*.lan", networks: [127.0.0.0/8, "::1"], ports: ${port} }`);
    await refused(`localhost:${port}`);
    await refused(`127.0.0.1:${port}`);
    expect(greeter.greeted).to.equal(greeted);
    expect(await refused(`no-such-host.lan:${port}`, "target-unreachable", 4)).to.match(/^at the tenant, no-such-host/);
  });

  it("are asked for of a person, who sees where they lead; and end when the policy no longer permits them", async () => {
    await permit(`{ decision: ask, operators: alice, networks: [127.0.0.1, "::1"], ports: ${greeter.port} }`);
    await using operator = await chain.connect(["--target", `localhost:${greeter.port}`]);
    const id = await chain.pendingId();
    const [request] = await chain.tenant(["requests"]);
    expect(request).to.include({ id, target: `localhost:${greeter.port}` });
    expect(request?.["addresses"]).to.include("127.0.0.1");
    const shown = await expectCli(["tenant", "requests", "--home", chain.chain.tenantHome], {
      home: chain.chain.tenantHome,
    });
    expect(shown.tail).to.include(`asks for localhost:${greeter.port} at `);
    await chain.tenant(["approve", id]);
    await greets(operator, `localhost:${greeter.port}`);
    await permit(`{ decision: deny, networks: 127.0.0.1 }`);
    expect((await operator.ended()).code).to.equal(3);
  });

  it("take a program's place, and a forward's", async () => {
    await permit(`{ decision: allow, networks: 127.0.0.1, ports: ${greeter.port} }`);
    const target = `127.0.0.1:${greeter.port}`;
    const words = [process.execPath, ...program, "{host}", "{port}"];
    const { tail } = await expectCli(["connect", "acme", "--target", target, "--", ...words], home());
    expect(tail).to.include("hello");
    const port = await freePort();
    const rule = `127.0.0.1:${port}=acme/${target}`;
    await using forward = await startCli(["forward", "--forward", rule, "--json"], home());
    await forward.waitForEvent("forward", { where: (event) => event["state"] === "open" });
    const socket = connect({ host: "127.0.0.1", port });
    expect((await readBytes(socket, 6)).toString()).to.equal("hello\n");
    socket.destroy();
    await stopCli(forward);
  });

  (hasIpv6Loopback ? it : it.skip)("are reached over IPv6, however the address is written", async () => {
    const six = await greeterOn("::1");
    await permit(`{ decision: allow, networks: "::1", ports: ${six.port} }`);
    await using operator = await chain.connect(["--target", `[0:0::1]:${six.port}`]);
    await greets(operator, `[::1]:${six.port}`);
    await stopCli(operator);
    six.close();
  });
});
