import { counted } from "@drawbridge/control/wire";
import { expect } from "chai";

describe("a number of things in words", () => {
  it("is singular for one alone", () => {
    const texts = [0, 1, 2, -1].map((count) => counted(count, "session"));
    expect(texts).to.deep.equal(["0 sessions", "1 session", "2 sessions", "-1 sessions"]);
    expect([1, 2].map((count) => counted(count, "entry", "entries"))).to.deep.equal(["1 entry", "2 entries"]);
  });
});
