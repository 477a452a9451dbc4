import { expect } from "chai";
import { formatBytes } from "../../../packages/console-cli/src/rendering/bytes.ts";
import { coloursFor } from "../../../packages/console-cli/src/rendering/colours.ts";
import { formatDuration } from "../../../packages/console-cli/src/rendering/duration.ts";
import { formatRelativeTime } from "../../../packages/console-cli/src/rendering/relative-time.ts";

describe("formatDuration", () => {
  const cases: [number, string][] = [
    [0, "0ms"],
    [-5, "0ms"],
    [Number.NaN, "0ms"],
    [340, "340ms"],
    [1_000, "1s"],
    [1_449, "1.4s"],
    [12_999, "12s"],
    [192_000, "3m12s"],
    [180_000, "3m"],
    [3_900_000, "1h05m"],
    [2 * 86_400_000 + 4 * 3_600_000, "2d4h"],
  ];
  for (const [ms, text] of cases) it(`shows ${ms} ms as ${text}`, () => expect(formatDuration(ms)).to.equal(text));
});

describe("formatBytes", () => {
  const cases: [number | bigint, string][] = [
    [0, "0 B"],
    [-1, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [1_449_000, "1.4 MB"],
    [1_999_999, "1.9 MB"],
    [23_900_000_000n, "23 GB"],
    [2n ** 64n - 1n, "18 EB"],
  ];
  for (const [bytes, text] of cases)
    it(`shows ${String(bytes)} as ${text}`, () => expect(formatBytes(bytes)).to.equal(text));
});

describe("formatRelativeTime", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  const from = (ms: number): string => formatRelativeTime(new Date(now.getTime() + ms), now);
  it("tells past, present and future apart", () => {
    expect(from(-192_000)).to.equal("3m12s ago");
    expect(from(-4_000)).to.equal("just now");
    expect(from(4_000)).to.equal("just now");
    expect(from(86_340_000)).to.equal("in 23h59m");
  });
  it("admits that it does not know an invalid time", () => {
    expect(formatRelativeTime(new Date(Number.NaN), now)).to.equal("unknown");
  });
});

describe("coloursFor", () => {
  const coloured = (terminal: boolean, env: Record<string, string>): boolean =>
    coloursFor(terminal, env).red("x") !== "x";
  it("colours on a terminal only", () => {
    expect(coloured(true, {})).to.be.true;
    expect(coloured(false, {})).to.be.false;
    expect(coloured(true, { TERM: "dumb" })).to.be.false;
  });
  it("honours NO_COLOR and FORCE_COLOR, the latter first", () => {
    expect(coloured(true, { NO_COLOR: "1" })).to.be.false;
    expect(coloured(true, { NO_COLOR: "" })).to.be.true;
    expect(coloured(false, { FORCE_COLOR: "1" })).to.be.true;
    expect(coloured(true, { FORCE_COLOR: "0" })).to.be.false;
    expect(coloured(false, { FORCE_COLOR: "1", NO_COLOR: "1" })).to.be.true;
  });
});
