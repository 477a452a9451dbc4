import { expect } from "chai";
import { DEFAULT_KEEP_ALIVE } from "../../../packages/control/src/rpc/keep-alive.ts";
import { keepAliveSetting } from "../../../packages/control/src/rpc/keep-alive-setting.ts";

describe("the keep-alive setting", () => {
  it("has the usual times where it names none", () => {
    expect(keepAliveSetting(DEFAULT_KEEP_ALIVE).parse({})).to.deep.equal({ intervalMs: 11_000, timeoutMs: 5_000 });
    expect(keepAliveSetting(DEFAULT_KEEP_ALIVE).parse({ interval: "2s" })).to.deep.equal({
      intervalMs: 2_000,
      timeoutMs: 5_000,
    });
  });

  for (const setting of [
    { interval: "16s" },
    { interval: "10s", timeout: "11s" },
    { interval: "100ms" },
    { timeout: "0s" },
    { interval: 5 },
    { every: "5s" },
  ]) {
    it(`may not be ${JSON.stringify(setting)}`, () => {
      expect(keepAliveSetting(DEFAULT_KEEP_ALIVE).safeParse(setting).success).to.equal(false);
    });
  }
});
