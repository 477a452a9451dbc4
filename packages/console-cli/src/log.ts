import { writeSync } from "node:fs";
import type { Log } from "@drawbridge/control/wire";
import { pino } from "pino";
import { plainText } from "./rendering/index.ts";

/** How much is logged. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;

/** How a log is written. */
export interface LogOptions {
  /** Default `info`. */
  level: (typeof LOG_LEVELS)[number];
  /** `text`: a line for people; `json`: pino's JSON lines. */
  format: "text" | "json";
}

const STDERR = 2;

/** A log on standard error. Standard output is for results. */
export function createLog({ level, format }: LogOptions): Log {
  const options = { level, timestamp: pino.stdTimeFunctions.isoTime, base: null };
  const write = format === "json" ? writeLine : (line: string) => writeLine(textLine(line));
  return pino(options, { write });
}

/** Writes at once, so that the last line of a process that dies is there. */
function writeLine(line: string): void {
  try {
    writeSync(STDERR, line);
  } catch {
    // Nobody reads the log any more, or its disk is full. The work is worth more than its log.
  }
}

const LEVEL_NAMES: Record<number, string> = { 20: "debug", 30: "info ", 40: "warn ", 50: "error" };

function textLine(line: string): string {
  const { time, level, msg, err } = JSON.parse(line) as {
    time: string;
    level: number;
    msg: string;
    err?: { stack?: string };
  };
  const cause = err?.stack === undefined ? "" : `\n${err.stack.split("\n").map(plainText).join("\n")}`;
  return `${time} ${LEVEL_NAMES[level] ?? String(level)} ${plainText(msg)}${cause}\n`;
}
