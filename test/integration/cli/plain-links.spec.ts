import type { Socket } from "node:net";
import { expect } from "chai";
import { openSession } from "../../support/chain.ts";
import type { DrawbridgeEvent, DrawbridgeProcess } from "../../support/cli.ts";
import { runCli, stopCli } from "../../support/cli.ts";
import { dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { ALLOW, ASK, ConsentChain } from "../tenant/consent-chain.ts";
import { expectBulkUnaltered } from "./bulk.ts";

const MB = 1024 * 1024;
const PERMITTED = `${ALLOW}    plain_links: allow\n`;

describe("plain links, by the command line", function () {
  this.timeout(120_000);
  let chain: ConsentChain;

  before(async () => (chain = await ConsentChain.start()));
  after(() => chain.stop());

  const event = (process: DrawbridgeProcess, name: string): DrawbridgeEvent | undefined =>
    process.events.findLast((each) => each.event === name);

  async function link(port: number): Promise<{ client: Socket; service: Socket }> {
    const client = await dialLoopback(port);
    return { client, service: await chain.target.next() };
  }

  /** The details of the last record of this name in the provider's log and in the tenant's. */
  async function audited(name: string): Promise<{ cloud: unknown; tenant: unknown }> {
    const { events } = await chain.chain.cloud(["audit", "export", "--json"]);
    const last = (records: readonly DrawbridgeEvent[]): Record<string, unknown> => {
      const record = records.findLast((each) => each.event === name);
      const text = record?.["detailsJson"];
      return (typeof text === "string" ? JSON.parse(text) : (record?.["details"] ?? {})) as Record<string, unknown>;
    };
    return { cloud: last(events)["plain"], tenant: last(await chain.tenant(["audit"]))["plain"] };
  }

  it("carry 16 MB each way at once unaltered where the tenant permits them, and every log says that they are plain", async () => {
    await chain.policy(PERMITTED);
    await using open = await openSession(chain.chain, "rdp", ["--plain"]);
    expect(event(open.process, "session-opened")).to.include({ plain: true });
    expect((await chain.chain.operator(["sessions", "--json"])).events[0]).to.include({ plain: true });
    expect((await chain.chain.operator(["sessions"])).stdout).to.match(/ PLAIN .*\n.* yes /);
    const { client, service } = await link(open.port);
    await expectBulkUnaltered(client, service, 16 * MB);
    const closed = await open.process.waitForEvent("link-closed");
    expect(closed).to.include({ code: "closed", toTenant: 16 * MB, toRemote: 16 * MB });
    expect(event(open.process, "link-opened")).to.include({ plain: true });
    expect(event(chain.chain.tenant, "link-opened")).to.include({ plain: true });
    expect(event(chain.chain.tenant, "session-opened")).to.include({ plain: true });
    expect((await chain.tenant(["status"]))[0]).to.have.nested.property("sessions[0].plain", true);
    await stopCli(open.process);
    expect(await audited("session-opened")).to.deep.equal({ cloud: true, tenant: true });
  });

  it("are encrypted all the same where the tenant does not permit them, and the operator is told", async () => {
    await chain.policy(ALLOW);
    await using open = await openSession(chain.chain, "rdp", ["--plain"]);
    expect(event(open.process, "session-opened")).to.include({ plain: false });
    expect((await chain.chain.operator(["sessions", "--json"])).events[0]).to.include({ plain: false });
    expect((await chain.chain.operator(["sessions"])).stdout)
      .to.contain("SESSION")
      .and.not.contain("PLAIN");
    const { client, service } = await link(open.port);
    client.end("question");
    expect((await readAll(service)).toString()).to.equal("question");
    service.end("answer");
    expect((await readAll(client)).toString()).to.equal("answer");
    await open.process.waitForEvent("link-closed");
    expect(event(open.process, "link-opened")).to.include({ plain: false });
    await stopCli(open.process);
    expect(await audited("session-opened")).to.deep.equal({ cloud: false, tenant: false });
  });

  it("are told to people in words, permitted and not", async () => {
    for (const [policy, words] of [
      [ALLOW, "acme does not permit plain links: this session is encrypted end to end."],
      [PERMITTED, "acme permits plain links: this session is NOT encrypted end to end."],
    ] as const) {
      await chain.policy(policy);
      const { code, tail } = await runCli(
        ["connect", "acme", "--plain", "--client", "none", "--listen", "127.0.0.1:0", "--for", "1s"],
        { home: chain.chain.operatorHome },
      );
      expect(code).to.equal(5);
      expect(tail).to.contain(words);
    }
  });

  it("are shown to the person who is asked, before they begin", async () => {
    await chain.policy(`${ASK}    plain_links: allow\n`);
    await using operator = await chain.connect(["--plain", "--listen", "127.0.0.1:0"]);
    await operator.waitForEvent("pending");
    const id = await chain.pendingId();
    expect((await chain.tenant(["requests"]))[0]).to.include({ id, plain: true });
    const { stdout } = await runCli(["tenant", "requests"], { home: chain.chain.tenantHome });
    expect(stdout).to.contain("links    PLAIN: the provider's server could read and change them");
    await chain.tenant(["approve", id]);
    await operator.waitForEvent("listening");
    expect(event(operator, "session-opened")).to.include({ plain: true });
    await stopCli(operator);
  });

  it("are not made unless the operator asks, also where the tenant permits them", async () => {
    await chain.policy(PERMITTED);
    await using open = await openSession(chain.chain);
    expect(event(open.process, "session-opened")).to.include({ plain: false });
    const { client, service } = await link(open.port);
    client.destroy();
    service.destroy();
    await stopCli(open.process);
  });

  it("tell why a link was not made: the target does not answer", async () => {
    await chain.policy(PERMITTED);
    await using open = await openSession(chain.chain, "rdp", ["--plain"]);
    chain.target.close();
    const client = await dialLoopback(open.port);
    client.on("error", () => {}).resume();
    const closed = await open.process.waitForEvent("link-closed");
    expect(closed).to.include({ code: "target-unreachable" });
    client.destroy();
    await stopCli(open.process);
  });
});
