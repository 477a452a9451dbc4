import type { Address, CloseReason } from "@drawbridge/dataplane";
import { isFreeTarget } from "../../wire/free-target.ts";
import type { OfferedSession } from "../offers.ts";
import { type FreeTargetMatch, matchFreeTarget } from "./free-target-match.ts";
import type { TargetAddress } from "./networks.ts";
import type { WeeklyWindow } from "./weekly-window.ts";

/** The name that stands for every operator, role or target. */
export const ANY = "*";

/** Whose sessions a rule is about, and when. An empty list names everything. */
export interface WhoAndWhen {
  operators: readonly string[];
  roles: readonly string[];
  hours: readonly WeeklyWindow[];
}

/** Which sessions a rule is about. An empty list names everything. */
export interface PolicyMatch extends WhoAndWhen {
  targets: readonly string[];
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

/** One rule about free targets. Their links are always encrypted from end to end. */
export interface FreeTargetRule {
  line: number;
  match: WhoAndWhen & FreeTargetMatch;
  outcome: PolicyOutcome;
}

/** A tenant's policy, read and checked. */
export interface Policy {
  /** About named targets, and about no others. */
  rules: readonly PolicyRule[];
  /** About free targets. Default: none is permitted. */
  freeTargets?: readonly FreeTargetRule[];
  /** By operator: the only keys that it may come with, as SHA-256 in hexadecimal. */
  operatorKeys: ReadonlyMap<string, ReadonlySet<string>>;
  requireReason: boolean;
}

/** What a policy says of a session, and because of what: a rule, for the tenant's own audit log. */
export type PolicyVerdict =
  | ({ verdict: "allow"; because: string } & SessionBounds)
  | ({ verdict: "ask"; because: string; timeoutMs: number } & SessionBounds)
  | PolicyDenial;

/** The session is denied. */
export interface PolicyDenial {
  verdict: "deny";
  because: string;
  reason: CloseReason;
}

/** What a policy looks at. */
export type PolicyQuestion = Pick<
  OfferedSession,
  "operator" | "operatorRole" | "target" | "place" | "reason" | "operatorKeyFingerprint"
>;

/**
 * Judges a session: a wrong key or a missing reason first, then the rules in order, of which the first that matches
 * decides; where none matches, it is denied. Pure; never throws.
 * @param at when the session is or was asked for, in milliseconds since the Unix epoch.
 */
export function judge(policy: Policy, question: PolicyQuestion, at: number): PolicyVerdict {
  const refusal = refusalOfOperator(policy, question);
  if (refusal !== undefined) return refusal;
  // One that nobody has looked up leads nowhere.
  const { target, place } = question;
  if (place !== undefined) return judgeFreeTarget(policy, question, place, place.addresses, at);
  if (isFreeTarget(target)) return NO_RULE;
  for (const [index, rule] of policy.rules.entries()) {
    if (names(rule.match.targets, target) && isFor(rule.match, question, at)) {
      return verdictOf(rule, `rule ${index + 1} (line ${rule.line})`);
    }
  }
  return NO_RULE;
}

/**
 * Why a session to a free target is denied wherever its host may lead; undefined where that has to be looked up. Whoever
 * may not reach a name is not told whether there is one, and nobody looks. Pure; never throws.
 */
export function refusalBeforeLookUp(
  policy: Policy,
  question: PolicyQuestion,
  target: Address,
  at: number,
): PolicyDenial | undefined {
  const refusal = refusalOfOperator(policy, question);
  if (refusal !== undefined) return refusal;
  const verdict = judgeFreeTarget(policy, question, target, undefined, at);
  return verdict.verdict === "deny" ? verdict : undefined;
}

/** @param addresses undefined: not known yet; the verdict is then of the first rule that lets in if all goes well. */
function judgeFreeTarget(
  { freeTargets = [] }: Policy,
  question: PolicyQuestion,
  target: Address,
  addresses: readonly TargetAddress[] | undefined,
  at: number,
): PolicyVerdict {
  for (const [index, rule] of freeTargets.entries()) {
    if (!isFor(rule.match, question, at)) continue;
    const denies = rule.outcome.decision === "deny";
    const answer = matchFreeTarget(rule.match, target, addresses, denies);
    if (answer === "no" || (answer === "perhaps" && denies)) continue;
    return verdictOf(rule, `free target rule ${index + 1} (line ${rule.line})`);
  }
  return NO_RULE;
}

/** What does not depend on the target. */
function refusalOfOperator(policy: Policy, question: PolicyQuestion): PolicyDenial | undefined {
  const keys = policy.operatorKeys.get(question.operator);
  if (keys !== undefined && !keys.has(question.operatorKeyFingerprint)) return wrongKey(question.operator);
  return policy.requireReason && question.reason.trim() === "" ? NO_REASON : undefined;
}

function isFor({ operators, roles, hours }: WhoAndWhen, question: PolicyQuestion, at: number): boolean {
  return (
    names(operators, question.operator) &&
    names(roles, question.operatorRole) &&
    (hours.length === 0 || hours.some((window) => window.contains(at)))
  );
}

function names(list: readonly string[], name: string): boolean {
  return list.length === 0 || list.includes(ANY) || list.includes(name);
}

function verdictOf({ outcome }: Pick<PolicyRule, "outcome">, because: string): PolicyVerdict {
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

function wrongKey(operator: string): PolicyDenial {
  const message = `the tenant knows another key of ${operator}`;
  const remedy = "Compare fingerprints with the tenant over the telephone; it corrects operator_keys in its policy.";
  return { verdict: "deny", because: "operator_keys", reason: { code: "consent-refused", message, remedy } };
}

const NO_RULE: PolicyDenial = { verdict: "deny", because: "no rule matches", reason: denied("") };

const NO_REASON: PolicyDenial = {
  verdict: "deny",
  because: "require_reason",
  reason: {
    code: "consent-refused",
    message: "the tenant wants a reason for each session",
    remedy: "Give one with --reason.",
  },
};
