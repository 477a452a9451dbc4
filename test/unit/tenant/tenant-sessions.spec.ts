import type { CloseReason } from "@drawbridge/dataplane";
import { HandshakeToken } from "@drawbridge/dataplane";
import { expect } from "chai";

import type { EnrolledIdentity } from "../../../packages/control/src/identity/index.ts";
import type { AccessPolicy } from "../../../packages/control/src/tenant/access-policy.ts";
import type { OfferAnswer } from "../../../packages/control/src/tenant/offers.ts";
import type { PolicyVerdict } from "../../../packages/control/src/tenant/policy/policy.ts";
import { parseTargets } from "../../../packages/control/src/tenant/targets.ts";
import type { TenantSessionObserver } from "../../../packages/control/src/tenant/tenant-session-observer.ts";
import { TenantSessions } from "../../../packages/control/src/tenant/tenant-sessions.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { offer } from "./offer.ts";

const REASON: CloseReason = { code: "consent-refused", message: "denied" };
const ALLOW: PolicyVerdict = { verdict: "allow", because: "rule 1" };
const ASK: PolicyVerdict = { verdict: "ask", because: "rule 1", timeoutMs: 60_000 };
const DENY: PolicyVerdict = { verdict: "deny", because: "rule 1", reason: REASON };

/** The sessions of a tenant whose policy a test sets, and all that they say. */
function bench(limits: { maxSessions?: number } = {}) {
  const clock = new FakeClock();
  const answers: [id: string, answer: string][] = [];
  const told: string[] = [];
  const state: { verdict: PolicyVerdict; obstacle: CloseReason | undefined } = { verdict: ALLOW, obstacle: undefined };
  const policy: AccessPolicy = { judge: () => state.verdict, obstacle: () => state.obstacle };
  const note =
    (event: string) =>
    ({ sessionId }: { sessionId: string }) =>
      void told.push(`${event} ${sessionId}`);
  const observer: TenantSessionObserver = {
    sessionOffered: () => {},
    sessionPending: note("pending"),
    sessionOpened: note("opened"),
    sessionRefused: note("refused"),
    sessionWithdrawn: note("withdrawn"),
    sessionEnded: note("ended"),
    linkOpened: () => {},
    linkClosed: () => {},
  };
  const sessions = new TenantSessions({
    identity: () => ({}) as EnrolledIdentity,
    targets: parseTargets(["rdp=127.0.0.1:3389"]),
    policy,
    observer,
    clock,
    dialLeg: () => Promise.reject(new Error("nothing is dialled here")),
    ...limits,
  });
  const port = {
    answerSession: (id: string, answer: OfferAnswer) =>
      void answers.push([id, answer.decision === "refused" ? answer.reason.code : answer.decision]),
    closeSession: (id: string, reason: CloseReason) => void answers.push([id, `closed: ${reason.code}`]),
    linkAccepted: () => {},
    linkRefused: (id: string, reason: CloseReason) => void answers.push([id, reason.code]),
  };
  sessions.connectTo(port);
  return { clock, answers, told, state, sessions };
}

describe("a tenant's sessions", () => {
  it("are decided by the policy, but for a target that is not there", () => {
    const { answers, state, sessions } = bench();
    sessions.offered(offer("s-1"));
    sessions.offered(offer("s-2", { target: "vnc" }));
    state.verdict = DENY;
    sessions.offered(offer("s-3"));
    expect(answers).to.deep.equal([
      ["s-1", "accepted"],
      ["s-2", "target-not-found"],
      ["s-3", "consent-refused"],
    ]);
    expect(sessions.ids()).to.deep.equal(["s-1"]);
  });

  it("are asked for no longer than the cloud redirector waits", () => {
    const { clock, answers, state, sessions } = bench();
    state.verdict = ASK;
    sessions.offered(offer("s-1", { answerWithinMs: 5_000 }));
    clock.advance(5_000);
    expect(answers).to.deep.equal([
      ["s-1", "pending"],
      ["s-1", "consent-expired"],
    ]);
  });

  it("withdraw their questions with the connection over which they came, and outlive it when they are open", async () => {
    const { told, state, sessions } = bench();
    sessions.offered(offer("s-1"));
    state.verdict = ASK;
    sessions.offered(offer("s-2"));
    sessions.connectTo(undefined);
    expect(told).to.deep.equal(["opened s-1", "pending s-2", "withdrawn s-2"]);
    expect(sessions.ids()).to.deep.equal(["s-1"]);
    await sessions.closeAll(REASON);
  });

  it("do not begin twice under one id, and leave the first as it is", () => {
    const { answers, sessions } = bench();
    sessions.offered(offer("s-1"));
    sessions.offered(offer("s-1", { operator: "mallory" }));
    expect(answers.at(-1)).to.deep.equal(["s-1", "protocol-violation"]);
    expect(sessions.list().map((session) => session.offer.operator)).to.deep.equal(["alice"]);
  });

  it("are bounded, also after a person took a while to approve", () => {
    const { answers, state, sessions } = bench({ maxSessions: 1 });
    state.verdict = ASK;
    sessions.offered(offer("s-1"));
    sessions.offered(offer("s-2"));
    sessions.requests.approve("s-1", "maria");
    sessions.requests.approve("s-2", "maria");
    expect(answers.slice(2)).to.deep.equal([
      ["s-1", "accepted"],
      ["s-2", "limit-exceeded"],
    ]);
  });

  it("do not begin while something is in the way", () => {
    const { answers, state, sessions } = bench();
    state.obstacle = { code: "unavailable", message: "the disk is full" };
    sessions.offered(offer("s-1"));
    expect(answers).to.deep.equal([["s-1", "unavailable"]]);
  });

  it("end when a review no longer allows them, and their questions are refused", async () => {
    const { answers, told, state, sessions } = bench();
    sessions.offered(offer("s-1"));
    state.verdict = ASK;
    sessions.offered(offer("s-2"));
    state.verdict = DENY;
    sessions.review();
    await sessions.settled();
    expect(answers.slice(2)).to.deep.equal([
      ["s-1", "closed: consent-refused"],
      ["s-2", "consent-refused"],
    ]);
    expect(told.slice(2)).to.have.members(["refused s-2", "ended s-1"]);
  });

  it("end with a target that is taken away or leads elsewhere, and so do the questions about it", async () => {
    const { answers, state, sessions } = bench();
    sessions.replaceTargets(parseTargets(["rdp=127.0.0.1:3389", "ssh=127.0.0.1:22"]));
    sessions.offered(offer("s-1"));
    sessions.offered(offer("s-2", { target: "ssh" }));
    state.verdict = ASK;
    sessions.offered(offer("s-3"));
    sessions.offered(offer("s-4", { target: "ssh" }));
    sessions.replaceTargets(parseTargets(["rdp=127.0.0.1:3390", "ssh=127.0.0.1:22"]));
    await sessions.settled();
    expect(answers.slice(4)).to.deep.equal([
      ["s-1", "closed: target-not-found"],
      ["s-3", "target-not-found"],
    ]);
    sessions.replaceTargets(parseTargets(["rdp=127.0.0.1:3390"]));
    await sessions.settled();
    expect(sessions.ids()).to.deep.equal([]);
    expect(sessions.undecided()).to.deep.equal([]);
  });

  it("end after the time that the last review gives them, counted from their beginning", async () => {
    const { clock, answers, state, sessions } = bench();
    sessions.offered(offer("s-1"));
    clock.advance(30_000);
    state.verdict = { ...ALLOW, maxSessionMs: 40_000 };
    sessions.review();
    clock.advance(9_999);
    expect(sessions.ids()).to.deep.equal(["s-1"]);
    clock.advance(1);
    expect(answers.at(-1)).to.deep.equal(["s-1", "closed: expired"]);
    await sessions.settled();
    expect(clock.pending).to.equal(0);
  });

  it("make no link for a session that is not open", () => {
    const { answers, state, sessions } = bench();
    state.verdict = ASK;
    sessions.offered(offer("s-1"));
    const token = HandshakeToken.fromBytes(new Uint8Array(32));
    sessions.linkOffered({ linkId: "l-1", sessionId: "s-1", token, rendezvousAddress: "", ahead: false });
    expect(answers.at(-1)).to.deep.equal(["l-1", "session-not-found"]);
    sessions.close("s-1", REASON);
  });
});
