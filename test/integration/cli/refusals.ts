import { expect } from "chai";
import { runCli } from "../../support/cli.ts";
import type { DrawbridgeOptions, DrawbridgeResult } from "../../support/cli.ts";

/** How a command has to refuse. */
export interface ExpectedRefusal {
  readonly exit: 2 | 3 | 4 | 5;
  /** The error's code. */
  readonly code: string;
  /** Matches what happened and what to do next, in one line. */
  readonly says: RegExp;
}

/** Standard error also bears the log; a refusal's own line begins like this. */
const OWN_LINE = /^drawbridge: /;

/** Runs a command with `--json` and asserts that it refuses so, in one event. */
export async function expectRefusal(
  args: readonly string[],
  options: DrawbridgeOptions,
  expected: ExpectedRefusal,
): Promise<void> {
  expectJsonRefusal(args, await runCli([...args, "--json"], options), expected);
}

/** As {@link expectRefusal}, and asserts the same of the command without `--json`, in one line. */
export async function expectBothRefusals(
  args: readonly string[],
  options: DrawbridgeOptions,
  expected: ExpectedRefusal,
): Promise<void> {
  const [text] = await Promise.all([runCli(args, options), expectRefusal(args, options, expected)]);
  expectTextRefusal(args, text, expected);
}

/** Asserts that a command refused for people: one line, with a remedy. */
function expectTextRefusal(args: readonly string[], result: DrawbridgeResult, expected: ExpectedRefusal): void {
  const shown = `drawbridge ${args.join(" ")}\n${result.tail}`;
  const lines = result.tail.split("\n").filter((line) => OWN_LINE.test(line));
  expect(result.code, shown).to.equal(expected.exit);
  expect(result.stdout, shown).to.equal("");
  expect(lines, shown).to.have.length(1);
  expect(result.tail.split("\n"), shown).to.have.length(1);
  expect(lines[0], shown)
    .to.match(expected.says)
    .and.to.match(/[.!?…]$/);
}

/** Asserts that a command refused for programs: one event, with a remedy. */
function expectJsonRefusal(args: readonly string[], result: DrawbridgeResult, expected: ExpectedRefusal): void {
  const shown = `drawbridge ${args.join(" ")} --json\n${result.tail}`;
  const [event, ...others] = result.events;
  expect(result.code, shown).to.equal(expected.exit);
  expect(others, shown).to.deep.equal([]);
  expect(event, shown).to.include({ event: "error", code: expected.code });
  expect(result.tail.split("\n"), shown).to.have.length(1);
  const words = `${String(event?.["message"])}. ${String(event?.["remedy"])}`;
  expect(words, shown).to.match(expected.says);
  expect(event?.["remedy"], `the remedy of ${shown}`).to.be.a("string").and.not.equal("");
}
