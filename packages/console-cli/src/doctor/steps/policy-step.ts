import { readPolicy, type TenantTargets } from "@drawbridge/control/tenant";
import type { Step } from "../step.ts";

/** Reads the policy file, as `tenant run` does. */
export function policyStep(home: string, targets: TenantTargets): Step<undefined, void> {
  return {
    id: "policy",
    title: "policy",
    timeoutMs: 5_000,
    async check() {
      const { rules, freeTargets = [] } = await readPolicy(home, targets);
      const details = { rules: rules.length, freeTargetRules: freeTargets.length };
      const free = freeTargets.length === 0 ? "" : `, and ${freeTargets.length} on free targets`;
      const text = `its rules are read, ${rules.length} in all${free}`;
      if ([...rules, ...freeTargets].some(({ outcome }) => outcome.decision !== "deny"))
        return { outcome: "ok", text, details, value: undefined };
      const remedy = "Add a rule that allows or asks; see the comments in policy.yaml.";
      return { outcome: "warning", text: "no rule lets anybody in", remedy, details, value: undefined };
    },
  };
}
