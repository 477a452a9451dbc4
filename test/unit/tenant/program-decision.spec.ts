import { setImmediate as settled } from "node:timers/promises";
import { noLog } from "@drawbridge/control/wire";
import type { CloseReason } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { EnrolledIdentity } from "../../../packages/control/src/identity/index.ts";
import type { AccessPolicy } from "../../../packages/control/src/tenant/access-policy.ts";
import type { OfferAnswer } from "../../../packages/control/src/tenant/offers.ts";
import type { PolicyVerdict } from "../../../packages/control/src/tenant/policy/policy.ts";
import type { Decide, DecisionPort, SessionQuestion } from "../../../packages/control/src/tenant/program-decision.ts";
import { ProgramDecision } from "../../../packages/control/src/tenant/program-decision.ts";
import { parseTargets } from "../../../packages/control/src/tenant/targets.ts";
import { TenantSessions } from "../../../packages/control/src/tenant/tenant-sessions.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { offer } from "./offer.ts";

const REASON: CloseReason = { code: "consent-refused", message: "denied" };
const ALLOW: PolicyVerdict = { verdict: "allow", because: "rule 1" };
const ASK: PolicyVerdict = { verdict: "ask", because: "rule 1", timeoutMs: 60_000 };
const DENY: PolicyVerdict = { verdict: "deny", because: "rule 1", reason: REASON };

/** A tenant's sessions on which a program decides, besides a policy that a test sets. */
function bench(decide: Decide) {
  const clock = new FakeClock();
  const answers: string[] = [];
  const asked: SessionQuestion[] = [];
  const state = { verdict: ALLOW };
  const policy: AccessPolicy = { judge: () => state.verdict, obstacle: () => undefined };
  const recorded: Decide = (question, signal) => {
    asked.push(question);
    return decide(question, signal);
  };
  const program = new ProgramDecision(policy, recorded, 30_000, noLog, clock);
  const port = (): DecisionPort => sessions.requests;
  const sessions: TenantSessions = new TenantSessions({
    identity: () => ({}) as EnrolledIdentity,
    targets: parseTargets(["rdp=127.0.0.1:3389"]),
    policy: program,
    observer: program.observer(port),
    clock,
    dialLeg: () => Promise.reject(new Error("nothing is dialled here")),
  });
  sessions.connectTo({
    answerSession: (_id: string, answer: OfferAnswer) => {
      if (answer.decision === "refused") answers.push(`${answer.reason.code}: ${answer.reason.message}`);
      else if (answer.decision === "pending") answers.push(`pending ${answer.withinMs}`);
      else answers.push(answer.consent.by === "person" ? `by ${answer.consent.name}` : "by policy");
    },
    closeSession: (_id, { code }) => void answers.push(`closed: ${code}`),
    linkAccepted: () => {},
    linkRefused: () => {},
  });
  return { clock, answers, asked, state, sessions };
}

describe("a program that decides on a tenant's sessions", () => {
  it("lets in what the policy lets in, refuses in its own words, and is not asked what the policy denies", async () => {
    const { answers, asked, state, sessions } = bench(({ operator }) =>
      operator === "alice" ? { decision: "allow" } : { decision: "refuse", reason: "only alice" },
    );
    sessions.offered(offer("s-1"));
    await settled();
    sessions.offered(offer("s-2", { operator: "mallory" }));
    await settled();
    state.verdict = DENY;
    sessions.offered(offer("s-3"));
    await settled();
    expect(answers).to.deep.equal([
      "pending 30000",
      "by the tenant's program",
      "pending 30000",
      "consent-refused: the tenant refused this session: only alice",
      "consent-refused: denied",
    ]);
    expect(asked.map(({ operator, wantsPerson, withinMs }) => ({ operator, wantsPerson, withinMs }))).to.deep.equal([
      { operator: "alice", wantsPerson: false, withinMs: 30_000 },
      { operator: "mallory", wantsPerson: false, withinMs: 30_000 },
    ]);
    expect(sessions.ids()).to.deep.equal(["s-1"]);
  });

  it("cannot speak for the person that the policy wants to be asked, unless it names one", async () => {
    const { answers, asked, state, sessions } = bench(({ ticket }) =>
      ticket === "" ? { decision: "allow" } : { decision: "allow", by: "maria" },
    );
    state.verdict = ASK;
    sessions.offered(offer("s-1"));
    await settled();
    expect(asked[0]?.wantsPerson).to.equal(true);
    expect(answers).to.deep.equal(["pending 60000"]);
    sessions.requests.approve("s-1", "jonas");
    sessions.offered(offer("s-2", { ticket: "T-1" }));
    await settled();
    expect(answers.slice(1)).to.deep.equal(["by jonas", "pending 60000", "by maria"]);
  });

  it("cannot let in what the policy has come to ask a person for, or to deny, while it decided", async () => {
    for (const verdict of [ASK, DENY]) {
      const decided = Promise.withResolvers<{ decision: "allow" }>();
      const { answers, state, sessions } = bench(() => decided.promise);
      sessions.offered(offer("s-1"));
      state.verdict = verdict;
      sessions.review();
      decided.resolve({ decision: "allow" });
      await settled();
      expect(answers).to.deep.equal(verdict === ASK ? ["pending 30000"] : ["pending 30000", "consent-refused: denied"]);
      expect(sessions.ids()).to.deep.equal([]);
    }
  });

  it("leaves a question to a person, and is refused by time where it does not answer", async () => {
    const { clock, answers, sessions } = bench(() => ({ decision: "ask" }));
    sessions.offered(offer("s-1"));
    await settled();
    sessions.requests.approve("s-1", "maria");
    sessions.offered(offer("s-2"));
    await settled();
    clock.advance(30_000);
    expect(answers).to.deep.equal([
      "pending 30000",
      "by maria",
      "pending 30000",
      "consent-expired: nobody at the tenant answered within 30 s",
    ]);
  });

  it("is told when nobody needs its answer any more, which then changes nothing", async () => {
    const decided = Promise.withResolvers<{ decision: "allow" }>();
    const aborted: string[] = [];
    const { clock, answers, sessions } = bench(({ sessionId }, signal) => {
      signal.addEventListener("abort", () => aborted.push(sessionId), { once: true });
      return decided.promise;
    });
    sessions.offered(offer("late"));
    sessions.offered(offer("withdrawn"));
    await settled();
    sessions.close("withdrawn", { code: "cancelled", message: "the operator has given up" });
    clock.advance(30_000);
    decided.resolve({ decision: "allow" });
    await settled();
    expect(aborted).to.deep.equal(["withdrawn", "late"]);
    expect(answers.filter((answer) => answer.startsWith("by "))).to.deep.equal([]);
    expect(sessions.ids()).to.deep.equal([]);
  });

  it("refuses where it throws, and does not tell the operator why", async () => {
    const { answers, sessions } = bench(() => {
      throw new Error("the database's password is canary");
    });
    sessions.offered(offer("s-1"));
    await settled();
    expect(answers[1]).to.equal("consent-refused: the tenant refused this session: it could not be decided");
  });

  it("is held to the lengths that the contract has", async () => {
    const { answers, sessions } = bench(({ target, operator }) =>
      operator === "alice"
        ? { decision: "allow", by: "ü".repeat(1_000) }
        : { decision: "refuse", reason: target.repeat(1_000) },
    );
    sessions.offered(offer("s-1"));
    sessions.offered(offer("s-2", { operator: "bob" }));
    await settled();
    expect(answers[2]).to.equal(`by ${"ü".repeat(63)}`);
    expect(answers[3]).to.have.lengthOf.below(300);
  });
});
