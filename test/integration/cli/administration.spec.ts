import { join } from "node:path";
import { expect } from "chai";
import type { Chain } from "../../support/chain.ts";
import { openSession, startChain } from "../../support/chain.ts";
import type { DrawbridgeEvent } from "../../support/cli.ts";
import { expectCli, runCli, startCli, stopCli } from "../../support/cli.ts";
import { closedOf, dialLoopback } from "../../support/dataplane-sockets.ts";
import { expectRefusal } from "./refusals.ts";
import { TargetServer } from "./target-server.ts";

describe("administration on the command line", function () {
  this.timeout(60_000);
  let target: TargetServer;
  let chain: Chain;
  let adminHome: string;
  const invite = async (...args: string[]): Promise<string> => {
    const { events } = await chain.cloud(["cloud", "invite", ...args, "--json"]);
    return String(events[0]?.["code"]);
  };
  const admin = async (...args: string[]): Promise<readonly DrawbridgeEvent[]> =>
    (await expectCli([...args, "--json"], { home: adminHome })).events;

  before(async () => {
    target = await TargetServer.start((socket) => socket.pipe(socket));
    chain = await startChain([target.named("rdp")]);
    adminHome = join(chain.operatorHome, "..", "admin");
    const input = await invite("operator", "root", "--role", "admin");
    await expectCli(["operator", "enroll", "-"], { home: adminHome, input });
  });
  after(async () => {
    await chain[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  it("lists tenants as a table and as JSON lines", async () => {
    const { stdout } = await chain.operator(["tenants"]);
    expect(stdout).to.match(/^TENANT +STATE .*\nacme +online +\S.* rdp /);
    const { events } = await chain.operator(["tenants", "--json"]);
    expect(events).to.have.length(1);
    expect(events[0]).to.include({ name: "acme", state: "online", openSessions: 0 });
  });

  it("shows the tenant's key alike at the tenant and at the operator", async () => {
    const { stdout } = await expectCli(["tenant", "fingerprint"], { home: chain.tenantHome });
    expect(stdout).to.match(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect((await chain.operator(["tenants", "--fingerprint"])).stdout).to.contain(stdout);
    expect((await chain.operator(["tenants", "--json"])).events[0]?.["fingerprint"]).to.equal(stdout);
  });

  it("lists a session and ends it with its links, for its operator and for an admin", async () => {
    const session = await openSession(chain, "rdp", ["--reason", "ticket 7"]);
    const link = await dialLoopback(session.port);
    link.write("hold");
    const { session: id } = await session.process.waitForEvent("session-opened");
    await session.process.waitForEvent("link-opened");
    const [row] = await admin("sessions");
    expect(row).to.include({ id, operator: "alice", tenant: "acme", target: "rdp", reason: "ticket 7", links: 1 });
    expect((await chain.operator(["sessions"])).stdout).to.contain(String(id));
    const [ended] = await admin("sessions", "end", String(id));
    expect(ended).to.include({ event: "session-ended", session: id });
    await closedOf(link);
    const { events } = await session.process.ended();
    expect(events.findLast(({ event }) => event === "session-ended")?.["message"]).to.match(/root ended the session/);
    const again = { exit: 2, code: "session-not-found", says: /no open session.*`drawbridge sessions`/ } as const;
    await expectRefusal(["sessions", "end", String(id)], { home: chain.operatorHome }, again);
  });

  it("refuses an operator what only an admin may do", async () => {
    const expected = { exit: 3, code: "permission-denied", says: /alice \(operator\) may not.*Ask an admin/ } as const;
    for (const args of [["audit"], ["revoke", "tenant", "acme"]]) {
      await expectRefusal(args, { home: chain.operatorHome }, expected);
    }
  });

  it("says that there is nobody to revoke, and no key to forget", async () => {
    const home = { home: adminHome };
    const nobody = { exit: 2, code: "tenant-not-found", says: /no tenant nobody/ } as const;
    await expectRefusal(["revoke", "tenant", "nobody"], home, nobody);
    const nothing = { exit: 2, code: "invalid-argument", says: /no key of tenant nobody is known here/ } as const;
    await expectRefusal(["operator", "forget", "nobody"], home, nothing);
  });

  it("refuses a tenant's changed key with what to check, and believes it after forget", async () => {
    await (await openSession(chain)).process.stop();
    const input = await invite("tenant", "acme");
    const { stdout: before } = await expectCli(["tenant", "fingerprint"], { home: chain.tenantHome });
    await expectCli(["tenant", "enroll", "-", "--replace", "--target", target.named("rdp")], {
      home: chain.tenantHome,
      input,
    });
    // The old key is worth nothing any more: the tenant redirector that holds it ends by itself.
    expect((await chain.tenant.ended()).code).to.equal(3);
    await chain.startTenant();
    const { stdout: now } = await expectCli(["tenant", "fingerprint"], { home: chain.tenantHome });
    expect(now).not.to.equal(before);
    const result = await runCli(["connect", "acme", "--client", "none", "--json"], { home: chain.operatorHome });
    expect(result.code, result.tail).to.equal(3);
    const error = result.events.at(-1);
    expect(error).to.include({ event: "error", code: "certificate-invalid" });
    expect(error?.["message"]).to.equal(`the key of tenant acme has changed from ${before} to ${now}`);
    expect(error?.["remedy"]).to.match(/Telephone the tenant.*tenant fingerprint.*operator forget acme/);
    await expectCli(["operator", "forget", "acme"], { home: chain.operatorHome });
    await stopCli((await openSession(chain)).process);
  });

  it("takes a tenant's access away at once, and then an operator's", async () => {
    const home = join(chain.tenantHome, "..", "second");
    const targets = ["--target", target.named("rdp")];
    await expectCli(["tenant", "enroll", "-", ...targets], { home, input: await invite("tenant", "second") });
    const second = await startCli(["tenant", "run", "--json"], { home });
    await second.waitForEvent("ready");
    const session = await startCli(["connect", "second", "--client", "none", "--listen", "127.0.0.1:0", "--json"], {
      home: chain.operatorHome,
    });
    await session.waitForEvent("listening");
    const [revoked] = await admin("revoke", "tenant", "second");
    expect(revoked).to.include({ event: "revoked", kind: "tenant", name: "second", sessionsEnded: 1 });
    const [tenantEnd, sessionEnd] = await Promise.all([second.ended(), session.ended()]);
    expect(tenantEnd.code, tenantEnd.tail).to.equal(3);
    expect(tenantEnd.events.at(-1)).to.include({ event: "error", code: "revoked" });
    expect(sessionEnd.code, sessionEnd.tail).to.equal(3);

    const open = await openSession(chain);
    await admin("revoke", "operator", "alice");
    expect((await open.process.ended()).code).to.equal(3);
    const refused = { exit: 3, code: "revoked", says: /operator alice was revoked.*new invite code/ } as const;
    await expectRefusal(["tenants"], { home: chain.operatorHome }, refused);
  });

  it("keeps all of that in an audit log that verifies, and shows records as they are written", async () => {
    const events = (await admin("audit")).map(({ event }) => event);
    expect(events).to.include.members(["invited", "enrolled", "tenant-online", "session-opened", "revoked"]);
    const follow = await startCli(["audit", "--follow", "--json"], { home: adminHome });
    await follow.waitForEvent("revoked");
    await invite("tenant", "third");
    const home = join(chain.tenantHome, "..", "third");
    await runCli(["tenant", "enroll", "-"], { home, input: await invite("tenant", "fourth") });
    await follow.waitForEvent("enrolled", { where: ({ tenant }) => tenant === "fourth" }).finally(() => follow.stop());
    const { stdout } = await chain.cloud(["audit", "verify"]);
    expect(stdout).to.match(/^All \d+ records are intact/);
  });
});
