import { DrawbridgeError } from "@drawbridge/dataplane";
import type { z } from "zod";

/** An error names this many faults; whoever has more reads the documents anyway. */
const SHOWN_FAULTS = 3;

/**
 * Reads a home's settings file.
 *
 * @param path for the error's text. Errors: `home-invalid`, naming the field, or the place where it is no JSON.
 */
export function parseSettings<Schema extends z.ZodType>(schema: Schema, text: string, path: string): z.infer<Schema> {
  const invalid = (why: string, cause: unknown): DrawbridgeError =>
    new DrawbridgeError("home-invalid", `${path} cannot be used: ${why}`, {
      remedy: "Correct the file, or put a backup of it back.",
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(`it is not JSON${placeOf(error)}`, error);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw invalid(faultsOf(result.error.issues), result.error);
}

/** V8 tells the place in its message, and not always: ` (line 3 column 5)`. */
function placeOf(error: unknown): string {
  const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(String(error)) ?? [];
  return line === undefined ? "" : `: line ${line}, column ${column ?? ""}`;
}

/** The first fault of each field. */
function faultsOf(issues: readonly z.core.$ZodIssue[]): string {
  const faults = new Map<string, string>();
  for (const issue of issues) {
    const field = issue.path.join(".");
    if (!faults.has(field)) faults.set(field, faultOf(issue, field));
  }
  return [...faults.values()].slice(0, SHOWN_FAULTS).join("; ");
}

function faultOf(issue: z.core.$ZodIssue, field: string): string {
  if (issue.code === "unrecognized_keys") {
    const names = issue.keys.map((key) => [...issue.path, key].join("."));
    return `there is no setting ${names.join(", ")}`;
  }
  if (issue.code === "invalid_type" && issue.message.endsWith("received undefined")) return `${field} is missing`;
  const text = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  return field === "" ? text : `${field}: ${text}`;
}
