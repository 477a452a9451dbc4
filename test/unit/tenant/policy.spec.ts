import { expect } from "chai";
import fc from "fast-check";

import type { Policy, PolicyOutcome, PolicyQuestion } from "../../../packages/control/src/tenant/policy/policy.ts";
import { judge } from "../../../packages/control/src/tenant/policy/policy.ts";

const names = fc.constantFrom("alice", "bob", "carol");
const targets = fc.constantFrom("rdp", "ssh", "web");
const roles = fc.constantFrom("viewer" as const, "operator" as const, "admin" as const);
const keys = fc.constantFrom("aa", "bb", "");

const outcome: fc.Arbitrary<PolicyOutcome> = fc.oneof(
  fc.constant({ decision: "allow" as const }),
  fc.record({ decision: fc.constant("ask" as const), timeoutMs: fc.integer({ min: 1_000, max: 60_000 }) }),
  fc.record({ decision: fc.constant("deny" as const), reason: fc.string() }),
);
const list = (item: fc.Arbitrary<string>) => fc.array(fc.oneof(item, fc.constant("*")), { maxLength: 3 });
const rule = fc.record({
  line: fc.nat(),
  match: fc.record({
    operators: list(names),
    roles: list(roles),
    targets: list(targets),
    hours: fc.constant([]),
  }),
  outcome,
});
const policy: fc.Arbitrary<Policy> = fc.record({
  rules: fc.array(rule, { maxLength: 6 }),
  operatorKeys: fc
    .dictionary(names, fc.uniqueArray(keys, { maxLength: 2 }))
    .map((entries) => new Map(Object.entries(entries).map(([name, own]) => [name, new Set(own)]))),
  requireReason: fc.boolean(),
});
const question: fc.Arbitrary<PolicyQuestion> = fc.record({
  operator: names,
  operatorRole: roles,
  target: targets,
  reason: fc.constantFrom("", "  ", "printer"),
  operatorKeyFingerprint: keys,
});
const open = { operatorKeys: new Map(), requireReason: false };

describe("judging by a tenant's policy", () => {
  it("never throws, whatever the time", () => {
    fc.assert(fc.property(policy, question, fc.double(), (policy, question, at) => void judge(policy, question, at)));
  });

  it("denies where no rule matches", () => {
    fc.assert(
      fc.property(question, (question) => {
        expect(judge({ ...open, rules: [] }, question, 0).verdict).to.equal("deny");
        const other = { line: 1, match: { operators: ["dave"], roles: [], targets: [], hours: [] } };
        const rules = [{ ...other, outcome: { decision: "allow" as const } }];
        expect(judge({ ...open, rules }, question, 0).verdict).to.equal("deny");
      }),
    );
  });

  it("lets the first matching rule decide: what stands after it changes nothing", () => {
    fc.assert(
      fc.property(policy, question, fc.array(rule, { maxLength: 4 }), (policy, question, more) => {
        const verdict = judge(policy, question, 0);
        if (verdict.because === "no rule matches") return;
        expect(judge({ ...policy, rules: [...policy.rules, ...more] }, question, 0)).to.deep.equal(verdict);
      }),
    );
  });

  it("passes over rules that do not match", () => {
    fc.assert(
      fc.property(policy, question, (policy, question) => {
        const matching = policy.rules.filter(({ match: { operators, roles, targets } }) => {
          const has = (list: readonly string[], name: string) =>
            list.length === 0 || list.includes("*") || list.includes(name);
          return (
            has(operators, question.operator) && has(roles, question.operatorRole) && has(targets, question.target)
          );
        });
        const verdict = judge(policy, question, 0);
        if (verdict.because === "operator_keys" || verdict.because === "require_reason") return;
        expect(verdict.verdict).to.equal(matching[0]?.outcome.decision ?? "deny");
      }),
    );
  });

  it("refuses an operator with any key but its own, whatever the rules", () => {
    fc.assert(
      fc.property(policy, question, (policy, question) => {
        const pinned = { ...policy, operatorKeys: new Map([[question.operator, new Set(["cc"])]]) };
        expect(judge(pinned, question, 0)).to.include({ verdict: "deny", because: "operator_keys" });
        const right = { ...question, operatorKeyFingerprint: "cc" };
        expect(judge(pinned, right, 0).because).to.not.equal("operator_keys");
      }),
    );
  });

  it("wants a reason that says something, where reasons are required", () => {
    const rules = [
      {
        line: 1,
        match: { operators: [], roles: [], targets: [], hours: [] },
        outcome: { decision: "allow" as const },
      },
    ];
    const ask = { operator: "a", operatorRole: "operator" as const, target: "rdp", operatorKeyFingerprint: "" };
    const strict = { ...open, rules, requireReason: true };
    expect(judge(strict, { ...ask, reason: " \t" }, 0).because).to.equal("require_reason");
    expect(judge(strict, { ...ask, reason: "x" }, 0).verdict).to.equal("allow");
  });
});
