import { expect } from "chai";
import { Crossing } from "../../../packages/control/src/tenant/crossing.ts";
import type { AnswerPort } from "../../../packages/control/src/tenant/tenant-sessions.ts";
import { offer } from "./offer.ts";

/** A port that only remembers what goes out on it. */
class Remembering implements AnswerPort {
  readonly said: string[] = [];
  answerSession(id: string): void {
    this.said.push(`answer ${id}`);
  }
  closeSession(id: string): void {
    this.said.push(`close ${id}`);
  }
  linkAccepted(id: string): void {
    this.said.push(`accepted ${id}`);
  }
  linkRefused(id: string): void {
    this.said.push(`refused ${id}`);
  }
}

const REASON = { code: "closed", message: "over" } as const;

/** A crossing in which everything has happened once. */
function crossing(): Crossing {
  const between = new Crossing();
  between.answerSession("s-1", { decision: "pending", withinMs: 1 });
  between.closeSession("s-2", REASON);
  between.linkAccepted("l-1");
  between.linkRefused("l-2", REASON);
  between.offered(offer("s-3"));
  return between;
}

const SAID = ["answer s-1", "close s-2", "accepted l-1", "refused l-2"];

describe("what falls between two control connections", () => {
  it("goes out on the newer one, in order; what was offered on the older is void", () => {
    const newer = new Remembering();
    crossing().succeeded(newer);
    expect(newer.said).to.deep.equal(SAID);
  });

  it("goes on with the older one where there is no newer, offers too", () => {
    const older = new Remembering();
    const offered: string[] = [];
    crossing().failed(older, ({ sessionId }) => offered.push(sessionId));
    expect(older.said).to.deep.equal(SAID);
    expect(offered).to.deep.equal(["s-3"]);
  });

  it("is bounded, however much a cloud redirector sends", () => {
    const between = new Crossing();
    const older = new Remembering();
    const offered: string[] = [];
    for (let count = 0; count < 5_000; count += 1) {
      between.linkRefused("l", REASON);
      between.offered(offer("s"));
    }
    between.failed(older, ({ sessionId }) => offered.push(sessionId));
    expect([older.said.length, offered.length]).to.deep.equal([1_024, 1_024]);
  });
});
