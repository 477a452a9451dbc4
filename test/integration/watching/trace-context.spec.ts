import { expect } from "chai";
import { CloudBench } from "../control/cloud-bench.ts";
import { ScriptedOperator } from "../control/scripted-peers.ts";

const SESSION = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
const LINK = `00-${"1".repeat(32)}-${"3".repeat(16)}-01`;

describe("a place in a trace, as an operator names it", () => {
  let bench: CloudBench;

  before(async () => (bench = await CloudBench.start()));
  after(() => bench[Symbol.asyncDispose]());

  /** What the tenant is told of a session and of a link in it. */
  async function told(name: string, session: string | undefined, link: string): Promise<[string, string]> {
    const tenant = await bench.tenant(await bench.enrolTenant(name));
    const operator = new ScriptedOperator(bench.channel(await bench.enrolOperator(`${name}-op`)), name, session);
    const { sessionId, traceparent: ofSession } = await tenant.next("sessionOffer");
    tenant.accept(sessionId);
    await operator.next("opened");
    operator.requestLink(link);
    const { traceparent: ofLink } = await tenant.next("linkOffer");
    operator.cut();
    tenant.cut();
    return [ofSession, ofLink];
  }

  it("is passed on to the tenant by a cloud redirector that does not trace", async () => {
    expect(await told("acme", SESSION, LINK)).to.deep.equal([SESSION, LINK]);
  });

  it("of the session stands for its links where these have none", async () => {
    expect(await told("bolt", SESSION, "")).to.deep.equal([SESSION, SESSION]);
  });

  it("is ignored where it is none, and nothing else changes", async () => {
    const hostile = "../../etc/passwd\u007f";
    expect(await told("dust", undefined, "x".repeat(64))).to.deep.equal(["", ""]);
    expect(await told("core", "00-zz-zz-01", hostile)).to.deep.equal(["", ""]);
  });

  it("that is too long ends the stream, as every text that is", async () => {
    const tenant = await bench.tenant(await bench.enrolTenant("east"));
    const operator = new ScriptedOperator(bench.channel(await bench.enrolOperator("east-op")), "east");
    tenant.accept((await tenant.next("sessionOffer")).sessionId);
    await operator.next("opened");
    operator.requestLink("x".repeat(65));
    expect((await operator.end()).error).to.include({ code: "invalid-argument" });
    tenant.cut();
  });
});
