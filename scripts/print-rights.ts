/**
 * Prints the table of rights from packages/control/src/cloud/rights.ts as Markdown; with `--write` it puts it between
 * the markers in docs/SECURITY.md.
 *
 * Usage: node scripts/print-rights.ts [--write]
 */
import { readFile, writeFile } from "node:fs/promises";
import { RIGHTS, type Right, ROLES } from "@drawbridge/control/cloud";

const FILE = new URL("../docs/SECURITY.md", import.meta.url);
const BEGIN = "<!-- rights: made by `node scripts/print-rights.ts --write` -->";
const END = "<!-- end of rights -->";
const CALLERS = ["nobody", "tenant", ...ROLES] as const;

type CallerKind = (typeof CALLERS)[number];

function holds(right: Right, caller: CallerKind): boolean {
  if (right === "anyone") return true;
  if (right === "enrolled") return caller !== "nobody";
  if (right === "tenant") return caller === "tenant";
  return ROLES.some((role, index) => role === caller && index >= ROLES.indexOf(right));
}

function row(cells: readonly string[], widths: readonly number[]): string {
  return `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(" | ")} |`;
}

/** The table, in the form that prettier leaves alone. */
export function rightsTable(): string {
  const body = Object.entries(RIGHTS).map(([path, right]) => [
    `\`${path.slice(path.lastIndexOf(".") + 1)}\``,
    ...CALLERS.map((caller) => (holds(right, caller) ? "yes" : "")),
  ]);
  const rows = [["call", ...CALLERS], ...body];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
  const [head, ...others] = rows.map((cells) => row(cells, widths));
  return [
    head,
    row(
      widths.map((width) => "-".repeat(width)),
      widths,
    ),
    ...others,
  ].join("\n");
}

/** A document with the table of now between its markers. @throws Error where it has no markers */
export function withRights(document: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${FILE.pathname} has no markers for the rights`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${rightsTable()}\n\n${document.slice(end)}`;
}

if (import.meta.main) {
  if (process.argv.includes("--write")) await writeFile(FILE, withRights(await readFile(FILE, "utf8")));
  else console.log(rightsTable());
}
