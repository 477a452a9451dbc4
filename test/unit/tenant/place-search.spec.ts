import { setImmediate as settled } from "node:timers/promises";
import type { CloseReason } from "@drawbridge/dataplane";
import { DrawbridgeError, HandshakeToken } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { EnrolledIdentity } from "../../../packages/control/src/identity/index.ts";
import type { OfferAnswer } from "../../../packages/control/src/tenant/offers.ts";
import { openTarget } from "../../../packages/control/src/tenant/open-target.ts";
import { parsePolicy } from "../../../packages/control/src/tenant/policy/parse-policy.ts";
import { parseTargets } from "../../../packages/control/src/tenant/targets.ts";
import { TenantAccess } from "../../../packages/control/src/tenant/tenant-access.ts";
import { tellAll } from "../../../packages/control/src/tenant/tenant-session-observer.ts";
import { TenantSessions } from "../../../packages/control/src/tenant/tenant-sessions.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { TargetServer } from "../../integration/cli/target-server.ts";
import { offer } from "./offer.ts";

const POLICY = `
rules: [{ decision: allow }]
free_targets:
  - { decision: allow, operators: [alice, bob, carol, dave, erin], networks: [203.0.113.0/24], ports: 22 }
  - { decision: ask, networks: [198.51.100.0/24], ports: 22 }
`;
const parse = (text: string) => parsePolicy(text, "policy.yaml", []);

/** A tenant's sessions, whose look-ups a test answers. */
function bench() {
  const clock = new FakeClock();
  const answers: string[] = [];
  const lookUps: { host: string; answer: (addresses: readonly string[]) => void; fail: (error: Error) => void }[] = [];
  const access = new TenantAccess(parse(POLICY), undefined, () => undefined);
  const withdrawn: string[] = [];
  const sessions = new TenantSessions({
    identity: () => ({}) as EnrolledIdentity,
    targets: parseTargets([]),
    policy: access,
    observer: { ...tellAll([]), sessionWithdrawn: ({ sessionId }) => void withdrawn.push(sessionId) },
    clock,
    dialLeg: () => Promise.reject(new Error("nothing is dialled here")),
    resolve: (host) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
      lookUps.push({ host, answer: resolve, fail: reject });
      return promise;
    },
  });
  const say = (id: string, answer: OfferAnswer): void => {
    answers.push(`${id} ${answer.decision === "refused" ? answer.reason.code : answer.decision}`);
  };
  sessions.connectTo({
    answerSession: say,
    closeSession: (id: string, reason: CloseReason) => void answers.push(`${id} closed: ${reason.code}`),
    linkAccepted: () => {},
    linkRefused: () => {},
  });
  return { clock, answers, lookUps, access, withdrawn, sessions };
}

const target = (name: string): { target: string } => ({ target: `${name}:22` });

describe("a session to a free target", () => {
  it("is decided by where its name leads, which is looked up once, also for its links", async () => {
    const { answers, lookUps, sessions } = bench();
    sessions.offered(offer("s-1", target("a.lan")));
    sessions.offered(offer("s-2", target("b.lan")));
    expect([answers, sessions.undecided()]).to.deep.equal([[], ["s-1", "s-2"]]);
    lookUps[0]?.answer(["203.0.113.7"]);
    lookUps[1]?.answer(["192.0.2.7"]);
    await settled();
    expect([answers, sessions.undecided()]).to.deep.equal([["s-1 accepted", "s-2 consent-refused"], []]);
    const [session] = sessions.list();
    expect(session?.target).to.deep.equal({
      host: "a.lan",
      port: 22,
      addresses: [{ address: "203.0.113.7", own: false }],
    });
    const token = HandshakeToken.generate();
    sessions.linkOffered({ linkId: "l-1", sessionId: "s-1", token, rendezvousAddress: "", ahead: true });
    await sessions.closeAll({ code: "closed", message: "done" });
    expect(lookUps.map(({ host }) => host)).to.deep.equal(["a.lan", "b.lan"]);
  });

  it("dials the addresses that were judged, wherever its name leads by then, and no forbidden one", async () => {
    await using greeter = await TargetServer.start((socket) => socket.end("hello\n"));
    const port = Number(greeter.named("").split(":")[1]);
    const link = { sessionId: "s-1", linkId: "l-1", operator: "alice", target: "no-such-host.invalid:22" };
    const place = (address: string) => ({ host: "no-such-host.invalid", port, addresses: [{ address, own: false }] });
    const { signal } = new AbortController();
    const stream = await openTarget(place("127.0.0.1"), link, signal);
    expect(String(await stream.toArray())).to.equal("hello\n");
    const error = await openTarget(place("::ffff:127.0.0.1"), link, signal).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "permission-denied");
  });

  it("is refused without a look-up where the form, the name, the port or the operator is not permitted", () => {
    const { answers, lookUps, access, sessions } = bench();
    sessions.offered(offer("s-1", { target: "A.lan:22" }));
    sessions.offered(offer("s-2", { target: "0x7f.1:22" }));
    sessions.offered(offer("s-3", { target: "a.lan:23" }));
    access.policy = parse(
      `rules: []\nfree_targets: [{ decision: allow, operators: bob, networks: 203.0.113.0/24, ports: 22 }]`,
    );
    sessions.offered(offer("s-4", target("a.lan")));
    access.lock = { since: "", by: "", reason: "" };
    sessions.offered(offer("s-5", { operator: "bob", ...target("a.lan") }));
    expect(answers).to.deep.equal([
      "s-1 invalid-argument",
      "s-2 invalid-argument",
      "s-3 consent-refused",
      "s-4 consent-refused",
      "s-5 consent-refused",
    ]);
    expect(lookUps).to.deep.equal([]);
  });

  it("is refused where its name leads nowhere, or nobody answers in time", async () => {
    const { clock, answers, lookUps, sessions } = bench();
    sessions.offered(offer("s-1", target("a.lan")));
    sessions.offered(offer("s-2", target("b.lan")));
    lookUps[0]?.fail(Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }));
    await settled();
    clock.advance(5_000);
    expect(answers).to.deep.equal(["s-1 target-unreachable", "s-2 target-unreachable"]);
    lookUps[1]?.answer(["203.0.113.7"]);
    await settled();
    expect([answers.length, sessions.ids(), clock.pending]).to.deep.equal([2, [], 0]);
  });

  it("is asked of a person once its name is looked up, and judged again when the policy changes", async () => {
    const { answers, lookUps, access, sessions } = bench();
    sessions.offered(offer("s-1", target("a.lan")));
    sessions.offered(offer("s-2", target("b.lan")));
    lookUps[0]?.answer(["198.51.100.7"]);
    lookUps[1]?.answer(["203.0.113.7"]);
    await settled();
    expect(sessions.requests.list()[0]?.offer.place?.addresses).to.deep.equal([
      { address: "198.51.100.7", own: false },
    ]);
    sessions.requests.approve("s-1", "ben");
    access.policy = parse(
      `rules: []\nfree_targets: [{ decision: deny, networks: 203.0.113.7 }, { decision: ask, networks: [0.0.0.0/0], ports: 22 }]`,
    );
    sessions.review();
    expect(answers).to.deep.equal(["s-1 pending", "s-2 accepted", "s-1 accepted", "s-2 closed: consent-refused"]);
    expect(sessions.ids()).to.deep.equal(["s-1"]);
    await sessions.closeAll({ code: "closed", message: "done" });
  });

  it("is judged by the policy that holds when its name has been looked up", async () => {
    const { answers, lookUps, access, sessions } = bench();
    sessions.offered(offer("s-1", target("a.lan")));
    access.policy = parse("rules: []");
    sessions.review();
    lookUps[0]?.answer(["203.0.113.7"]);
    await settled();
    expect(answers).to.deep.equal(["s-1 consent-refused"]);
  });

  it("is over when the operator gives up or the connection is lost while its name is looked up", async () => {
    const { answers, lookUps, withdrawn, sessions } = bench();
    const gone: CloseReason = { code: "cancelled", message: "gone" };
    sessions.offered(offer("s-1", target("a.lan")));
    sessions.close("s-1", gone);
    sessions.offered(offer("s-2", target("b.lan")));
    sessions.connectTo(undefined);
    for (const { answer } of lookUps) answer(["203.0.113.7"]);
    await settled();
    expect([withdrawn, answers, sessions.ids(), sessions.undecided()]).to.deep.equal([["s-1", "s-2"], [], [], []]);
  });

  it("waits with at most three others of its operator and fifteen of all, two of which are looked up at a time", async () => {
    const { answers, lookUps, sessions } = bench();
    for (const operator of ["alice", "bob", "carol", "dave"]) {
      for (const number of [1, 2, 3, 4]) {
        sessions.offered(offer(`${operator}-${number}`, { operator, ...target(`${operator}${number}.lan`) }));
      }
    }
    sessions.offered(offer("alice-1", target("again.lan")));
    sessions.offered(offer("erin-1", { operator: "erin", ...target("erin.lan") }));
    expect(answers).to.deep.equal(["alice-1 protocol-violation", "erin-1 limit-exceeded"]);
    expect(lookUps.map(({ host }) => host)).to.deep.equal(["alice1.lan", "alice2.lan"]);
    // One that nobody waits for any more still holds its place until the resolver answers.
    sessions.close("alice-1", { code: "cancelled", message: "gone" });
    sessions.close("alice-3", { code: "cancelled", message: "gone" });
    await settled();
    expect(lookUps).to.have.length(2);
    lookUps[0]?.answer([]);
    await settled();
    expect(lookUps.map(({ host }) => host)).to.deep.equal(["alice1.lan", "alice2.lan", "alice4.lan"]);
    for (const number of [5, 6, 7]) sessions.offered(offer(`alice-${number}`, target(`alice${number}.lan`)));
    expect(answers.slice(2)).to.deep.equal(["alice-7 limit-exceeded"]);
    await sessions.closeAll({ code: "closed", message: "done" });
  });
});
