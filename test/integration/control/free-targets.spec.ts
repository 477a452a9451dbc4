import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { AdminClient, watchTenants } from "@drawbridge/control/remote";
import { expect } from "chai";
import { CloudBench } from "./cloud-bench.ts";
import { ScriptedOperator, type ScriptedTenant } from "./scripted-peers.ts";

/** Never fires: mocha's own timeout ends a test that hangs. */
const { signal } = new AbortController();
const LONGEST = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}:65535`;

describe("free targets, over the wire", () => {
  let bench: CloudBench;
  let olga: EnrolledIdentity;
  let tenant: ScriptedTenant;

  async function start(freeTargets?: string): Promise<void> {
    bench = await CloudBench.start(undefined, freeTargets === undefined ? {} : { sessions: { freeTargets } });
    const acme = await bench.enrolTenant("acme");
    olga = await bench.enrolOperator("olga", "admin");
    tenant = await bench.tenant(acme);
  }
  afterEach(() => bench[Symbol.asyncDispose]());

  const ask = (target: string, by = olga): ScriptedOperator =>
    new ScriptedOperator(bench.channel(by), "acme", undefined, target);
  const refusal = async (target: string, by = olga): Promise<string | undefined> => {
    const { error } = await ask(target, by).end();
    return error?.code;
  };
  /** What the tenant is asked for next. */
  async function offered(target: string): Promise<string> {
    const operator = ask(target);
    const offer = await tenant.next("sessionOffer");
    operator.cut();
    return offer.target;
  }
  const isShown = async (): Promise<boolean | undefined> =>
    (await new AdminClient(bench.channel(olga)).listTenants(signal))[0]?.freeTargets;
  async function permit(freeTargets: boolean): Promise<void> {
    tenant.freeTargetsChanged(freeTargets);
    for await (const { event } of watchTenants(bench.channel(olga), signal)) {
      if (event !== "removed" && (await isShown()) === freeTargets) return;
    }
  }

  it("are none of a tenant that does not say that it has some, as an older one does not", async () => {
    await start();
    expect(await isShown()).to.equal(false);
    expect(await refusal("10.0.0.5:3389")).to.equal("target-not-found");
    await permit(true);
    expect(await isShown()).to.equal(true);
    await permit(false);
    expect(await refusal("10.0.0.5:3389")).to.equal("target-not-found");
  });

  it("reach the tenant as they were asked for, to the longest, and stand in the audit log", async () => {
    await start();
    await permit(true);
    for (const target of ["10.0.0.5:3389", "[fd00::5]:3389", "fileserver.lan:22", LONGEST]) {
      const operator = ask(target);
      const offer = await tenant.nextOf("sessionOffer");
      expect(offer.target).to.equal(target);
      tenant.accept(offer.sessionId);
      await operator.next("opened");
      const sessions = await bench.admin(olga).listSessions(signal);
      expect(sessions.map((session) => session.target)).to.deep.equal([target]);
      operator.goodbye();
      await operator.end();
    }
    const targets: unknown[] = [];
    for await (const { event, details } of bench.admin(olga).readAudit({ follow: false }, signal)) {
      if (event === "session-opened") targets.push((details as { target: unknown }).target);
    }
    expect(targets).to.include("fileserver.lan:22").and.include(LONGEST);
  });

  it("are refused in any other form, before the tenant hears of them", async () => {
    await start();
    await permit(true);
    const forms = ["FILES.lan:22", "files.lan.:22", "127.1:22", "0x7f.1:22", "[FD00::5]:22", "[fd00:0::5]:22", "a:022"];
    const others = ["[::ffff:a00:5]:22", "[fe80::1%1]:22", "a:0", "a:", ":22", "a:22 ", "a\0.lan:22", `a${LONGEST}`];
    for (const target of [...forms, ...others]) {
      expect(await refusal(target), JSON.stringify(target)).to.equal("invalid-argument");
    }
    expect(await offered("10.0.0.5:22")).to.equal("10.0.0.5:22");
  });

  it("can be kept to admins, or from everybody, by the provider", async () => {
    await start("admin");
    await permit(true);
    const rita = await bench.enrolOperator("rita", "operator");
    expect(await refusal("10.0.0.5:22", rita)).to.equal("permission-denied");
    expect(await offered("10.0.0.5:22")).to.equal("10.0.0.5:22");
    await bench[Symbol.asyncDispose]();
    await start("nobody");
    await permit(true);
    expect(await refusal("10.0.0.5:22")).to.equal("permission-denied");
    expect(await offered("rdp")).to.equal("rdp");
  });
});
