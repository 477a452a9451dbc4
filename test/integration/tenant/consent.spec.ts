import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";

import type { DrawbridgeEvent, DrawbridgeProcess } from "../../support/cli.ts";
import { startCli, stopCli } from "../../support/cli.ts";
import { ALLOW, ASK, ConsentChain, DENY } from "./consent-chain.ts";

describe("a tenant's consent, by the command line", function () {
  this.timeout(120_000);
  let chain: ConsentChain;

  before(async () => (chain = await ConsentChain.start()));
  after(() => chain.stop());

  /** Asserts that an operator's command ended with a refusal, and returns its error. */
  async function refused(operator: DrawbridgeProcess, code = "consent-refused"): Promise<DrawbridgeEvent> {
    const { events, code: exitCode } = await operator.ended();
    const error = events.find(({ event }) => event === "error");
    expect(error?.["code"]).to.equal(code);
    expect(exitCode).to.equal(3);
    return error!;
  }

  it("shows a person who asks for what and why, and lets the session begin when it is approved", async () => {
    await chain.policy(ASK);
    await using operator = await chain.connect(["--reason", "printer is broken", "--ticket", "T-17"]);
    const pending = await operator.waitForEvent("pending");
    const id = await chain.pendingId();
    const [request] = await chain.tenant(["requests"]);
    expect(request).to.include({
      id,
      operator: "alice",
      role: "operator",
      target: "rdp",
      reason: "printer is broken",
      ticket: "T-17",
    });
    expect(request?.["operatorKey"]).to.match(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(request?.["sourceAddress"]).to.match(/^127\.0\.0\.1/);
    expect(request?.["leftMs"]).to.be.greaterThan(0).and.at.most(60_000);
    expect(pending["withinSeconds"]).to.equal(60);
    await chain.tenant(["approve", id]);
    const { client, service } = await chain.link(operator);
    client.destroy();
    service.destroy();
    expect(await chain.tenant(["requests"])).to.deep.equal([]);
    await stopCli(operator);
  });

  it("refuses with the person's words", async () => {
    await chain.policy(ASK);
    await using operator = await chain.connect();
    const id = await chain.pendingId();
    await chain.tenant(["refuse", id, "--reason", "not during the audit"]);
    expect((await refused(operator))["message"]).to.equal("the tenant refused this session: not during the audit");
    await chain.tenant(["approve", id], 2);
  });

  it("counts no answer as refused", async () => {
    await chain.policy(`${ASK}    timeout: 1s\n`);
    await using operator = await chain.connect();
    expect((await refused(operator, "consent-expired"))["message"]).to.match(
      /nobody at .*tenant.* answered within 1 s/,
    );
    await chain.pendingId();
    expect(await chain.tenant(["requests"])).to.deep.equal([]);
  });

  it("withdraws the question when the operator gives up", async () => {
    await chain.policy(ASK);
    const command = ["tenant", "requests", "--watch", "--home", chain.chain.tenantHome, "--json"];
    await using watcher = await startCli(command, { home: chain.chain.tenantHome });
    await using operator = await chain.connect();
    const id = await chain.pendingId();
    await watcher.waitForEvent("request", { where: (event) => event["id"] === id });
    await stopCli(operator);
    await watcher.waitForEvent("request-over", { where: (event) => event["id"] === id });
    expect(await chain.tenant(["requests"])).to.deep.equal([]);
    await stopCli(watcher);
  });

  it("denies by default, for want of a reason, and with the wrong key", async () => {
    await chain.policy(DENY);
    await using denied = await chain.connect();
    expect((await refused(denied))["message"]).to.equal("the tenant's policy does not allow this session");
    await chain.policy(`${ALLOW}require_reason: true\n`);
    await using silent = await chain.connect();
    expect((await refused(silent))["remedy"]).to.include("--reason");
    await chain.policy(`${ALLOW}operator_keys: { alice: "SHA256:${"A".repeat(43)}" }\n`);
    await using stranger = await chain.connect();
    expect((await refused(stranger))["message"]).to.equal("the tenant knows another key of alice");
  });

  it("ends a session that has lasted as long as its rule allows", async () => {
    await chain.policy(`${ALLOW}    max_session: 1s\n`);
    await using operator = await chain.connect();
    await operator.waitForEvent("listening");
    const { events } = await operator.ended();
    expect(events.find(({ event }) => event === "session-ended")?.["code"]).to.equal("expired");
  });

  it("writes all of it down, with the session ids of the provider, in a chain that verifies", async () => {
    const own = await chain.tenant(["audit"]);
    const events = new Set(own.map(({ event }) => event));
    expect([...events]).to.include.members([
      "session-offered",
      "consent-asked",
      "session-opened",
      "session-refused",
      "session-withdrawn",
      "session-ended",
      "link-closed",
      "policy-reloaded",
    ]);
    const opened = own.find(({ event }) => event === "session-opened") as { details: { session: string } };
    const [ended] = own.filter(
      ({ event, details }) =>
        event === "session-ended" && (details as { session: string }).session === opened.details.session,
    ) as unknown as { details: Record<string, unknown> }[];
    expect(ended?.details).to.include({ links: 1, toTarget: 1 });
    const [verified] = await chain.tenant(["audit", "--verify"]);
    expect(verified).to.include({ event: "intact" });
  });

  it("shows that both logs say the same of each session, and names one of which they do not", async () => {
    const { stdout } = await chain.chain.cloud(["audit", "export", "--json"]);
    const compare = async (log: string, exitCode = 0) => {
      const file = join(chain.home, "provider.jsonl");
      await writeFile(file, log);
      return chain.tenant(["audit", "--compare", file], exitCode);
    };
    const [same] = await compare(stdout);
    expect(same).to.include({ event: "compared", differences: 0, outside: 0 });
    expect(same?.["matching"]).to.be.greaterThan(0);
    const lines = stdout.split("\n");
    const opened = lines.findIndex((line) => line.includes('"session-opened"'));
    const [missing] = await compare(lines.toSpliced(opened, 1).join("\n"), 5);
    expect(missing?.["text"]).to.include("not as opened in the provider's");
    const [changed] = await compare(stdout.replaceAll("printer is broken", "all is well"), 5);
    expect(changed?.["text"]).to.equal('has the reason "printer is broken" here, "all is well" at the provider');
    await compare("no log\n", 2);
  });
});
