import type { CloseReason } from "@drawbridge/dataplane";
import type { OfferedSession } from "../offers.ts";
import type { WeeklyWindow } from "./weekly-window.ts";

/** The name that stands for every operator, role or target. */
export const ANY = "*";

/** Which sessions a rule is about. An empty list names everything. */
export interface PolicyMatch {
  operators: readonly string[];
  roles: readonly string[];
  targets: readonly string[];
  hours: readonly WeeklyWindow[];
}

/** How far a session may go that a rule lets begin. */
export interface SessionBounds {
  /** In milliseconds; left out: without limit. */
  maxSessionMs?: number;
  /** Links may go without end-to-end encryption where the operator asks for it; left out: never. */
  plainLinks?: true;
}

/** What a rule decides. Times are in milliseconds. */
export type PolicyOutcome =
  | ({ decision: "allow" } & SessionBounds)
  | ({ decision: "ask"; timeoutMs: number } & SessionBounds)
  | { decision: "deny"; reason: string };

/** One rule, with the line of the policy file where it begins. */
export interface PolicyRule {
  line: number;
  match: PolicyMatch;
  outcome: PolicyOutcome;
}

/** A tenant's policy, read and checked. */
export interface Policy {
  rules: readonly PolicyRule[];
  /** By operator: the only keys that it may come with, as SHA-256 in hexadecimal. */
  operatorKeys: ReadonlyMap<string, ReadonlySet<string>>;
  requireReason: boolean;
}

/** What a policy says of a session, and because of what: a rule, for the tenant's own audit log. */
export type PolicyVerdict =
  | ({ verdict: "allow"; because: string } & SessionBounds)
  | ({ verdict: "ask"; because: string; timeoutMs: number } & SessionBounds)
  | { verdict: "deny"; because: string; reason: CloseReason };

/** What a policy looks at. */
export type PolicyQuestion = Pick<
  OfferedSession,
  "operator" | "operatorRole" | "target" | "reason" | "operatorKeyFingerprint"
>;

/**
 * Judges a session: a wrong key or a missing reason first, then the rules in order, of which the first that matches
 * decides; where none matches, it is denied. Pure; never throws.
 * @param at when the session is or was asked for, in milliseconds since the Unix epoch.
 */
export function judge(policy: Policy, question: PolicyQuestion, at: number): PolicyVerdict {
  const keys = policy.operatorKeys.get(question.operator);
  if (keys !== undefined && !keys.has(question.operatorKeyFingerprint)) return wrongKey(question.operator);
  if (policy.requireReason && question.reason.trim() === "") return NO_REASON;
  for (const [index, rule] of policy.rules.entries()) {
    if (matches(rule.match, question, at)) return verdictOf(rule, `rule ${index + 1} (line ${rule.line})`);
  }
  return { verdict: "deny", because: "no rule matches", reason: denied("") };
}

function matches({ operators, roles, targets, hours }: PolicyMatch, question: PolicyQuestion, at: number): boolean {
  return (
    names(operators, question.operator) &&
    names(roles, question.operatorRole) &&
    names(targets, question.target) &&
    (hours.length === 0 || hours.some((window) => window.contains(at)))
  );
}

function names(list: readonly string[], name: string): boolean {
  return list.length === 0 || list.includes(ANY) || list.includes(name);
}

function verdictOf({ outcome }: PolicyRule, because: string): PolicyVerdict {
  if (outcome.decision === "deny") return { verdict: "deny", because, reason: denied(outcome.reason) };
  const { decision, ...bounds } = outcome;
  return { verdict: decision, because, ...bounds } as PolicyVerdict;
}

function denied(why: string): CloseReason {
  const message = "the tenant's policy does not allow this session";
  return {
    code: "consent-refused",
    message: why === "" ? message : `${message}: ${why}`,
    remedy: "Agree with the tenant on what, who and when; only the tenant can change its policy.",
  };
}

function wrongKey(operator: string): PolicyVerdict {
  const message = `the tenant knows another key of ${operator}`;
  const remedy = "Compare fingerprints with the tenant over the telephone; it corrects operator_keys in its policy.";
  return { verdict: "deny", because: "operator_keys", reason: { code: "consent-refused", message, remedy } };
}

const NO_REASON: PolicyVerdict = {
  verdict: "deny",
  because: "require_reason",
  reason: {
    code: "consent-refused",
    message: "the tenant wants a reason for each session",
    remedy: "Give one with --reason.",
  },
};
