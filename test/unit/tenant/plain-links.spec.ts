import type { CloseReason } from "@drawbridge/dataplane";
import { exportPrivateKeyPem, fingerprintHex, generateKeyPairP256, keyFingerprint } from "@drawbridge/control/identity";
import { expect } from "chai";
import fc from "fast-check";

import type { EnrolledIdentity } from "../../../packages/control/src/identity/index.ts";
import type { OfferAnswer } from "../../../packages/control/src/tenant/offers.ts";
import { parsePolicy } from "../../../packages/control/src/tenant/policy/parse-policy.ts";
import { judge } from "../../../packages/control/src/tenant/policy/policy.ts";
import { parseTargets } from "../../../packages/control/src/tenant/targets.ts";
import { TenantAccess } from "../../../packages/control/src/tenant/tenant-access.ts";
import { TenantSessions } from "../../../packages/control/src/tenant/tenant-sessions.ts";
import { verifyPlainPermit } from "../../../packages/control/src/wire/plain-permit.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { offer } from "./offer.ts";

const TARGETS = parseTargets(["rdp=127.0.0.1:3389"]);
const policy = (text: string) => parsePolicy(text, "policy.yaml", TARGETS.keys());
const ALLOW = "rules:\n  - decision: allow\n";
const ASK = "rules:\n  - decision: ask\n";
const PLAIN = "    plain_links: allow\n";
const NONCE = new Uint8Array(32).fill(7);
const nothing = (): void => {};

const keyPair = await generateKeyPairP256();
const identity = { privateKey: exportPrivateKeyPem(keyPair) } as EnrolledIdentity;
const pinned = fingerprintHex(keyFingerprint(keyPair.publicKey));

/** A tenant's sessions under a policy file, and what they answer. */
function bench(text: string) {
  const access = new TenantAccess(policy(text), undefined, () => undefined);
  const answers: OfferAnswer[] = [];
  const closed: CloseReason[] = [];
  const opened: boolean[] = [];
  const sessions = new TenantSessions({
    identity: () => identity,
    targets: TARGETS,
    policy: access,
    observer: {
      sessionOffered: nothing,
      sessionPending: nothing,
      sessionOpened: (_offer, { plain }) => opened.push(plain),
      sessionRefused: nothing,
      sessionWithdrawn: nothing,
      sessionEnded: nothing,
      linkOpened: nothing,
      linkClosed: nothing,
    },
    clock: new FakeClock(),
    dialLeg: () => Promise.reject(new Error("nothing is dialled here")),
  });
  sessions.connectTo({
    answerSession: (_id, answer) => void answers.push(answer),
    closeSession: (_id, reason) => void closed.push(reason),
    linkAccepted: nothing,
    linkRefused: nothing,
  });
  const permit = () => {
    const answer = answers.at(-1);
    return answer?.decision === "accepted" ? answer.plainPermit : undefined;
  };
  return { access, sessions, answers, closed, opened, permit };
}

describe("plain links by the tenant's policy", () => {
  it("are never permitted where the policy does not say so", () => {
    for (const text of [ALLOW, `${ALLOW}    plain_links: never\n`, ASK]) {
      const verdict = judge(policy(text), { ...offer("s"), plainNonce: NONCE } as never, 0);
      expect(verdict).to.not.have.property("plainLinks");
    }
    const { sessions, opened, permit } = bench(ALLOW);
    sessions.offered(offer("s-1", { plainNonce: NONCE }));
    expect([opened, permit()]).to.deep.equal([[false], undefined]);
  });

  it("are permitted, where a rule says so, by a permit for exactly this session", () => {
    const { sessions, opened, permit } = bench(ALLOW + PLAIN);
    sessions.offered(offer("s-1", { plainNonce: NONCE }));
    expect(opened).to.deep.equal([true]);
    const operatorKeyFingerprint = offer("s-1").operatorKeyFingerprint;
    verifyPlainPermit(permit()!, { nonce: NONCE, operatorKeyFingerprint, target: "rdp" }, pinned);
  });

  it("are not made without a nonce in the offer, whatever the policy says", () => {
    const { sessions, opened, permit } = bench(ALLOW + PLAIN);
    sessions.offered(offer("s-1"));
    expect([opened, permit()]).to.deep.equal([[false], undefined]);
  });

  it("follow the rule that decides, and no other", () => {
    const text = "rules:\n  - decision: allow\n    operators: bob\n    plain_links: allow\n  - decision: allow\n";
    const { sessions, opened } = bench(text);
    sessions.offered(offer("s-1", { plainNonce: NONCE }));
    sessions.offered(offer("s-2", { plainNonce: NONCE, operator: "bob" }));
    expect(opened).to.deep.equal([false, true]);
  });

  it("are shown to the person who is asked, and begin with its approval", () => {
    const { sessions, opened } = bench(ASK + PLAIN);
    sessions.offered(offer("s-1", { plainNonce: NONCE }));
    sessions.offered(offer("s-2"));
    expect(sessions.requests.list().map(({ plain }) => plain)).to.deep.equal([true, false]);
    sessions.requests.approve("s-1", "maria");
    sessions.requests.approve("s-2", "maria");
    expect(opened).to.deep.equal([true, false]);
  });

  it("do not begin by an approval after the policy has taken its permission back, or that was asked before it gave it", () => {
    for (const [before, after] of [
      [ASK + PLAIN, ASK],
      [ASK, ASK + PLAIN],
    ] as const) {
      const { access, sessions, opened } = bench(before);
      sessions.offered(offer("s-1", { plainNonce: NONCE }));
      access.policy = policy(after);
      sessions.review();
      sessions.requests.approve("s-1", "maria");
      expect(opened).to.deep.equal([false]);
    }
  });

  it("end when a review finds that the policy no longer permits them; encrypted sessions go on", async () => {
    const { access, sessions, closed } = bench(ALLOW + PLAIN);
    sessions.offered(offer("s-1", { plainNonce: NONCE }));
    sessions.offered(offer("s-2"));
    access.policy = policy(ALLOW);
    sessions.review();
    expect(sessions.ids()).to.deep.equal(["s-2"]);
    expect(closed.map(({ code }) => code)).to.deep.equal(["consent-refused"]);
    await sessions.settled();
  });

  it("are permitted by the words `allow` only, in rules that let somebody in", () => {
    const word = fc.string().filter((text) => !["allow", "never"].includes(text));
    fc.assert(
      fc.property(word, (text) => {
        expect(() => policy(`${ALLOW}    plain_links: ${JSON.stringify(text)}\n`)).to.throw("write never, or allow");
      }),
    );
    expect(() => policy(`${ALLOW}    plain_links: true\n`)).to.throw("rules[0].plain_links: write never, or allow");
    expect(() => policy(`rules:\n  - decision: deny\n${PLAIN}`)).to.throw("there is no such setting here");
    expect(() => policy(`plain_links: allow\n${ALLOW}`)).to.throw("there is no such setting here");
  });
});
