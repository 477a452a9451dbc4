import { inspect } from "node:util";
import { toDrawbridgeError } from "@drawbridge/dataplane";
import type { DrawbridgeError } from "@drawbridge/dataplane";
import { EXIT_CODES } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Output } from "./output.ts";
import { plainText } from "./terminal-text.ts";

const MAX_CAUSES = 8;
const MAX_CAUSE_LENGTH = 4_096;

/**
 * Tells the user of an error: one line `drawbridge: what happened. What to do next.` on standard error; with `--json`
 * instead `{"event":"error","code":…,"message":…,"remedy":…}` on standard output, if that can still be written.
 *
 * @param verbose adds the chain of causes with their stacks, on standard error
 * @returns the exit code that belongs to the error
 */
export function reportError(error: unknown, output: Output, verbose: boolean): ExitCode {
  const ours = toDrawbridgeError(error);
  if (output.json && output.lost === undefined) output.record(errorRecord(ours));
  else output.note(`${output.errorColours.red("drawbridge:")} ${errorLine(ours)}`);
  if (verbose) for (const cause of causeChain(error)) output.note(output.errorColours.dim(cause));
  return EXIT_CODES[ours.code];
}

/** What happened, and what to do next, as whole sentences in one line. */
export function errorLine(error: DrawbridgeError): string {
  const remedy = error.remedy || usualRemedy(error);
  return [error.message, remedy].map(sentence).filter(Boolean).join(" ");
}

/** The error as `--json` prints it. */
export const errorRecord = (error: DrawbridgeError): object => ({
  event: "error",
  code: error.code,
  message: error.message,
  remedy: error.remedy || usualRemedy(error),
});

/** What helps by code, for what has no remedy of its own: ends that peers tell, and errors that nobody foresaw. */
const USUAL_REMEDIES: Partial<Record<DrawbridgeError["code"], string>> = {
  "shutting-down": "Try again in a minute.",
  "tenant-lost": "Connect again.",
  idle: "Connect again.",
  expired: "Connect again.",
  unavailable: "Try again; if it stays so, `drawbridge doctor` looks at the whole way.",
  "dial-failed": "`drawbridge doctor` looks at the whole way.",
  "handshake-timeout": "Try again; if it stays so, `drawbridge doctor` looks at the whole way.",
  revoked: "Ask the provider for a new invite code, if this was a mistake.",
  internal: "Run it again with --verbose to see where it came from.",
};

const usualRemedy = ({ code }: DrawbridgeError): string => USUAL_REMEDIES[code] ?? "";

function sentence(text: string): string {
  const line = plainText(text.trim().replace(/\s*\n\s*/g, " "));
  return line === "" || /[.!?…]$/.test(line) ? line : `${line}.`;
}

/** The error and what caused it, outermost first; each one with its stack, in lines that are safe to print. */
export function causeChain(error: unknown): string[] {
  const chain: string[] = [];
  let current = error;
  while (current !== undefined && chain.length < MAX_CAUSES) {
    const text = current instanceof Error ? (current.stack ?? current.message) : inspect(current, { depth: 2 });
    const safe = text.slice(0, MAX_CAUSE_LENGTH).split("\n").map(plainText).join("\n");
    chain.push(chain.length === 0 ? safe : `caused by: ${safe}`);
    current = current instanceof Error ? current.cause : undefined;
  }
  return chain;
}
