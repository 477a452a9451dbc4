import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";

import { expectCli, stopCli } from "../../support/cli.ts";
import { closedOf } from "../../support/dataplane-sockets.ts";
import { ALLOW, ASK, ConsentChain, DENY } from "./consent-chain.ts";

describe("a tenant's kill switch and policy reload, by the command line", function () {
  this.timeout(120_000);
  let chain: ConsentChain;

  before(async () => (chain = await ConsentChain.start()));
  after(() => chain.stop());

  const error = (events: readonly Record<string, unknown>[]) => events.find(({ event }) => event === "error");

  it("lock ends what is open, refuses what waits and lets nobody in until unlock", async () => {
    await chain.policy(ALLOW);
    await using operator = await chain.connect();
    const { client, service } = await chain.link(operator);
    await chain.policy("rules: [{ decision: allow, operators: alice }]\n");
    const [locked] = await chain.tenant(["lock", "--reason", "stolen laptop"]);
    expect(locked).to.include({ event: "locked", running: true, sessionsEnded: 1 });
    await Promise.all([closedOf(client), closedOf(service)]);
    const ended = await operator.ended();
    expect(ended.code).to.equal(3);
    expect(error(ended.events)).to.include({
      code: "consent-refused",
      message: "the tenant has locked access: stolen laptop",
    });
    await using late = await chain.connect();
    expect(error((await late.ended()).events)?.["message"]).to.equal("the tenant has locked access: stolen laptop");
    const [status] = await chain.tenant(["status"]);
    expect(status).to.deep.include({ tenant: "acme", running: true, sessions: [], requests: [] });
    expect(status?.["locked"]).to.include({ reason: "stolen laptop" });
    await chain.tenant(["unlock"]);
    await using again = await chain.connect();
    await again.waitForEvent("listening");
    await stopCli(again);
  });

  it("lock refuses a request that waits", async () => {
    await chain.policy(ASK);
    await using operator = await chain.connect();
    await chain.pendingId();
    const [locked] = await chain.tenant(["lock"]);
    expect(locked).to.include({ requestsRefused: 1 });
    expect(error((await operator.ended()).events)?.["message"]).to.equal("the tenant has locked access");
    await chain.tenant(["unlock"]);
  });

  it("lock works without a running tenant redirector, and survives its restart", async () => {
    await chain.policy(ALLOW);
    await chain.chain.stopTenant();
    const [locked] = await chain.tenant(["lock"]);
    expect(locked).to.include({ running: false });
    await chain.tenant(["requests"], 4);
    await chain.chain.startTenant();
    await using operator = await chain.connect();
    expect(error((await operator.ended()).events)?.["code"]).to.equal("consent-refused");
    await chain.tenant(["unlock"]);
    const events = (await chain.tenant(["audit"])).map(({ event }) => event);
    expect(events.slice(-6)).to.deep.equal([
      "stopped",
      "locked",
      "started",
      "session-offered",
      "session-refused",
      "unlocked",
    ]);
  });

  it("a lock file that cannot be understood locks", async () => {
    await chain.policy(ALLOW);
    await chain.chain.stopTenant();
    await writeFile(join(chain.home, "locked.json"), "{", { mode: 0o600 });
    await chain.chain.startTenant();
    await using operator = await chain.connect();
    expect(error((await operator.ended()).events)?.["message"]).to.equal("the tenant has locked access");
    await chain.tenant(["unlock"]);
  });

  it("a reload that no longer allows an open session ends it", async () => {
    await chain.policy(ALLOW);
    await using operator = await chain.connect();
    const { client, service } = await chain.link(operator);
    await chain.policy(DENY);
    await Promise.all([closedOf(client), closedOf(service)]);
    expect(error((await operator.ended()).events)).to.include({
      code: "consent-refused",
      message: "the tenant's policy does not allow this session",
    });
  });

  it("a reload to asking ends what no person has approved, and leaves what one has", async () => {
    await chain.policy(ASK);
    await using approved = await chain.connect();
    await chain.tenant(["approve", await chain.pendingId()]);
    await approved.waitForEvent("listening");
    await chain.policy(ALLOW);
    await using allowed = await chain.connect();
    await allowed.waitForEvent("listening");
    await chain.policy(ASK);
    expect(error((await allowed.ended()).events)?.["message"]).to.include("now asks a person");
    const [status] = await chain.tenant(["status"]);
    expect(status?.["sessions"]).to.have.length(1);
    await stopCli(approved);
  });

  it("SIGHUP takes a good policy, and keeps the last good one where the file is wrong", async () => {
    await chain.policy(ALLOW);
    const records = async (name: string) => (await chain.tenant(["audit"])).filter(({ event }) => event === name);
    await chain.writePolicy("rules:\n  - decision: permit\n");
    const [refusal] = await chain.tenant(["reload"], 2);
    expect(refusal?.["message"]).to.match(
      /policy\.yaml, line 2, column 5: rules\[0\]\.decision: write allow, ask or deny$/,
    );
    const before = (await records("policy-refused")).length;
    await chain.hangUp();
    while ((await records("policy-refused")).length === before);
    await using operator = await chain.connect();
    await operator.waitForEvent("listening");
    await stopCli(operator);
    const reloaded = (await records("policy-reloaded")).length;
    await chain.writePolicy(DENY);
    await chain.hangUp();
    while ((await records("policy-reloaded")).length === reloaded);
    await using denied = await chain.connect();
    expect((await denied.ended()).code).to.equal(3);
  });

  it("a wrong policy is refused at start, and so is one that others may read or that is gone", async () => {
    await chain.chain.stopTenant();
    const run = ["tenant", "run", "--home", chain.chain.tenantHome, "--json"];
    const refusal = async () => error((await expectCli(run, { home: chain.chain.tenantHome }, 2)).events);
    await chain.writePolicy("rules:\n  - decision: allow\n    targets: [vnc]\n");
    expect((await refusal())?.["message"]).to.match(/line 3, column 15: there is no target vnc in settings\.json$/);
    await chain.writePolicy(ALLOW);
    await chmod(join(chain.home, "policy.yaml"), 0o644);
    expect((await refusal())?.["remedy"]).to.include("chmod 600");
    await rm(join(chain.home, "policy.yaml"));
    expect(await refusal()).to.include({ code: "home-invalid" });
    await writeFile(join(chain.home, "policy.yaml"), ALLOW, { mode: 0o600 });
    await chain.chain.startTenant();
  });

  it("a second run on the same home is refused, and the socket of a killed one is replaced", async () => {
    const run = ["tenant", "run", "--home", chain.chain.tenantHome, "--json"];
    const { events } = await expectCli(run, { home: chain.chain.tenantHome }, 2);
    expect(error(events)).to.include({ code: "address-in-use" });
    expect(error(events)?.["message"]).to.include("is running on");
    const killed = chain.chain.tenant;
    process.kill(killed.child.pid!, "SIGKILL");
    await killed.ended();
    // It is the one process of the chain that is not to have ended cleanly.
    chain.chain.processes.splice(chain.chain.processes.indexOf(killed), 1);
    await chain.tenant(["requests"], 4);
    await chain.chain.startTenant();
    expect(await chain.tenant(["requests"])).to.deep.equal([]);
  });
});
