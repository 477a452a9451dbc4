import { join } from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { readPrivateFile, writePrivateFile } from "../../identity/index.ts";
import type { AnyTargets, TenantTargets } from "../targets.ts";
import { freshPolicy } from "./fresh-policy.ts";
import { parsePolicy } from "./parse-policy.ts";
import type { Policy } from "./policy.ts";

/** Where a home's policy is. */
export function policyPath(home: string): string {
  return join(home, "policy.yaml");
}

/**
 * Reads a home's policy.
 *
 * Errors: `home-invalid` for a file that is missing, that others may use, or that is wrong, with line and column.
 */
export async function readPolicy(home: string, targets: AnyTargets): Promise<Policy> {
  const path = policyPath(home);
  let text: string;
  try {
    text = (await readPrivateFile(path)).toString("utf8");
  } catch (error) {
    if (!(error instanceof DrawbridgeError) || error.code !== "home-missing") throw error;
    throw new DrawbridgeError("home-invalid", `${path} is not there: without a policy nobody may be let in`, {
      remedy: "Put the file back; `drawbridge tenant enroll --replace` writes a fresh one.",
      cause: error,
    });
  }
  return parsePolicy(text, path, targets.keys());
}

/** Writes the policy of a fresh enrolment, unless there is one. Returns whether it was written. */
export async function writeFreshPolicy(home: string, targets: TenantTargets, provider: string): Promise<boolean> {
  try {
    await writePrivateFile(policyPath(home), freshPolicy(targets, provider), { exclusive: true });
    return true;
  } catch (error) {
    if (error instanceof DrawbridgeError && error.code === "home-exists") return false;
    throw error;
  }
}
