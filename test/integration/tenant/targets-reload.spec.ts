import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { startCli, stopCli } from "../../support/cli.ts";
import { LoopbackServer, readBytes } from "../../support/dataplane-sockets.ts";
import { ConsentChain } from "./consent-chain.ts";

describe("a tenant's targets, changed while it runs", function () {
  this.timeout(120_000);
  let chain: ConsentChain;
  let other: LoopbackServer;
  before(async () => {
    chain = await ConsentChain.start();
    other = await LoopbackServer.start();
  });
  after(async () => {
    await chain.stop();
    other.close();
  });

  const rdp = (): string => `127.0.0.1:${chain.target.address.port}`;
  const echo = (): string => `127.0.0.1:${other.address.port}`;

  async function setTargets(targets: Record<string, string>): Promise<void> {
    const file = join(chain.home, "settings.json");
    const settings = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...settings, targets }));
  }

  /** Resolves once the console is offered these. */
  const offered = (...names: string[]): Promise<unknown> =>
    until(
      async () => {
        const [row] = (await chain.chain.operator(["tenants", "--json"])).events;
        const targets = row?.["targets"] as { name: string }[];
        return JSON.stringify(targets.map(({ name }) => name)) === JSON.stringify(names) || undefined;
      },
      { what: `the targets ${names.join(", ")}`, timeoutMs: 30_000, intervalMs: 100 },
    );

  it("are offered after a reload: the tenant is never away, and what is open goes on", async () => {
    await using watch = await startCli(["tenants", "--watch", "--json"], { home: chain.chain.operatorHome });
    await until(() => watch.events.length > 0 || undefined, { what: "the snapshot" });
    await using before = await chain.connect();
    const { client, service } = await chain.link(before);
    await setTargets({ rdp: rdp(), echo: echo() });
    await chain.policy("rules: [{ decision: allow, targets: [rdp, echo] }]\n");
    await offered("rdp", "echo");
    client.write("y");
    expect((await readBytes(service, 1)).toString()).to.equal("y");
    client.destroy();
    service.destroy();

    await using after = await chain.connect(["--target", "echo"]);
    const { address } = await after.waitForEvent("listening");
    expect(address).to.be.a("string");
    await Promise.all([stopCli(after), stopCli(before)]);
    expect(watch.events.map(({ state }) => state)).not.to.include("offline");
    expect((await chain.tenant(["audit"])).map(({ event }) => event)).to.include("targets-changed");
    await stopCli(watch);
  });

  it("end the sessions to one that leads elsewhere now, and those alone", async () => {
    await setTargets({ rdp: rdp(), echo: echo() });
    await chain.policy("rules: [{ decision: allow }]\n");
    await using moved = await chain.connect();
    await using kept = await chain.connect(["--target", "echo"]);
    await Promise.all([moved.waitForEvent("listening"), kept.waitForEvent("listening")]);
    await setTargets({ rdp: echo(), echo: echo() });
    const [applied] = await chain.tenant(["reload"]);
    expect(applied).to.include({ sessionsEnded: 1 });
    const { events, code } = await moved.ended();
    expect(events.find(({ event }) => event === "session-ended")).to.include({ code: "target-not-found" });
    expect(code).to.equal(2);
    const [status] = await chain.tenant(["status"]);
    expect(status?.["sessions"]).to.have.length(1);
    await stopCli(kept);
  });

  it("stay as they were where the file or the policy is wrong", async () => {
    await setTargets({ rdp: rdp() });
    await chain.policy("rules: [{ decision: allow, targets: [rdp] }]\n");
    await offered("rdp");
    await setTargets({ rdp: rdp(), echo: "no address" });
    expect((await chain.tenant(["reload"], 2))[0]?.["message"]).to.match(/settings\.json: .*no address/);
    await setTargets({ echo: echo() });
    const [refusal] = await chain.tenant(["reload"], 2);
    expect(refusal?.["message"]).to.contain("there is no target rdp in settings.json");
    await using operator = await chain.connect();
    await operator.waitForEvent("listening");
    await stopCli(operator);
  });
});
