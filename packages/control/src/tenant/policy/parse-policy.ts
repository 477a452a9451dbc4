import { DrawbridgeError } from "@drawbridge/dataplane";
import type { Document } from "yaml";
import { isCollection, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { Networks } from "./networks.ts";
import type { FreeTargetRule, Policy, PolicyOutcome, PolicyRule, SessionBounds, WhoAndWhen } from "./policy.ts";
import { ANY } from "./policy.ts";
import { type FreeTargetRuleSettings, policySchema, type RuleSettings } from "./policy-schema.ts";
import { WeeklyWindow } from "./weekly-window.ts";

/** What is wrong with a policy, and where: both counted from 1. */
interface PolicyFault {
  line: number;
  column: number;
  text: string;
}

const MAX_ALIASES = 100;

/**
 * Reads a policy as its file has it: YAML 1.2.
 *
 * Errors: `home-invalid`, with the first fault's line, column and reason.
 *
 * @param path for the error's text.
 * @param targets the names of this tenant's targets: a rule about any other is a mistake.
 */
export function parsePolicy(text: string, path: string, targets: Iterable<string>): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw wrong(path, { line, column: col, text: withoutPeriod(error.message) });
  }
  const result = policySchema.safeParse(toValue(document, path));
  if (!result.success) throw wrong(path, faultOf(document, lines, result.error.issues));
  const { rules, free_targets, operator_keys, require_reason } = result.data;
  const known = new Set([...targets, ANY]);
  for (const [index, rule] of rules.entries()) {
    const unknown = rule.targets.findIndex((name) => !known.has(name));
    if (unknown < 0) continue;
    const message = `there is no target ${rule.targets[unknown] ?? ""} in settings.json`;
    throw wrong(path, { ...place(document, lines, ["rules", index, "targets", unknown]), text: message });
  }
  return {
    rules: rules.map((rule, index) => ruleOf(rule, place(document, lines, ["rules", index]).line)),
    freeTargets: free_targets.map((rule, index) =>
      freeTargetRuleOf(rule, place(document, lines, ["free_targets", index]).line),
    ),
    operatorKeys: new Map(Object.entries(operator_keys).map(([name, keys]) => [name, new Set(keys)])),
    requireReason: require_reason,
  };
}

/** Aliases that would unfold into something huge fail here. */
function toValue(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw wrong(path, { line: 1, column: 1, text: error instanceof Error ? error.message : String(error) });
  }
}

function ruleOf(rule: RuleSettings, line: number): PolicyRule {
  return { line, match: { ...whoAndWhenOf(rule), targets: rule.targets }, outcome: outcomeOf(rule) };
}

function freeTargetRuleOf(rule: FreeTargetRuleSettings, line: number): FreeTargetRule {
  const { names, ports } = rule;
  const networks = rule.networks && new Networks(rule.networks);
  return { line, match: { ...whoAndWhenOf(rule), names, networks, ports }, outcome: outcomeOf(rule) };
}

function whoAndWhenOf({ operators, roles, hours }: RuleSettings | FreeTargetRuleSettings): WhoAndWhen {
  const windows = hours.map(
    ({ zone, ...window }) => new WeeklyWindow({ ...window, ...(zone !== undefined && { zone }) }),
  );
  return { operators, roles, hours: windows };
}

function outcomeOf(rule: RuleSettings | FreeTargetRuleSettings): PolicyOutcome {
  if (rule.decision === "deny") return { decision: "deny", reason: rule.reason };
  const { decision, max_session } = rule;
  const bounds: SessionBounds = {
    ...(max_session !== undefined && { maxSessionMs: max_session }),
    ...("plain_links" in rule && rule.plain_links === "allow" && { plainLinks: true }),
  };
  return decision === "allow" ? { decision, ...bounds } : { decision, timeoutMs: rule.timeout, ...bounds };
}

type Issue = z.core.$ZodIssue;

function faultOf(document: Document, lines: LineCounter, issues: readonly Issue[]): PolicyFault {
  const faults = issues.map((issue) => {
    const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const path = unknown === undefined ? issue.path : [...issue.path, unknown];
    return { ...place(document, lines, path), text: `${pathText(path)}: ${explain(issue, unknown)}` };
  });
  // The first in the file, which is the one that a person meets first.
  const [first] = faults.sort((a, b) => a.line - b.line || a.column - b.column);
  return first ?? { line: 1, column: 1, text: "it is no policy" };
}

function explain(issue: Issue, unknownKey: string | undefined): string {
  if (unknownKey !== undefined) return "there is no such setting here";
  if (issue.code === "invalid_key") return "this is no operator's name: write it as it was enrolled";
  if (issue.code === "invalid_union" && issue.path.at(-1) === "decision") return "write allow, ask or deny";
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text === "" ? "policy" : text.replace(/^\./, "");
}

/** Where a path leads, or as far along it as the file goes: a missing setting is told at what lacks it. */
function place(document: Document, lines: LineCounter, path: readonly PropertyKey[]): { line: number; column: number } {
  let node: unknown = document.contents;
  let offset = offsetOf(node) ?? 0;
  for (const key of path) {
    // One thing where a list may stand counts as a list of one.
    if (key === 0 && !isSeq(node)) continue;
    if (!isCollection(node)) break;
    const pair = isMap(node) ? node.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
    const next: unknown = isMap(node) ? (pair?.value ?? undefined) : node.get(key, true);
    offset = offsetOf(pair?.key) ?? offsetOf(next) ?? offset;
    node = next;
  }
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function withoutPeriod(text: string): string {
  return text.replace(/\s+/g, " ").replace(/\.$/, "");
}

function wrong(path: string, { line, column, text }: PolicyFault): DrawbridgeError {
  return new DrawbridgeError("home-invalid", `${path}, line ${line}, column ${column}: ${text}`, {
    remedy: "Correct the policy file; `drawbridge tenant reload` says whether it is right.",
  });
}
