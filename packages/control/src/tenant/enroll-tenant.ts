import type { EnrolledIdentity } from "../identity/index.ts";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { enroll, type EnrollOptions } from "../rpc/enroll.ts";
import { writeFreshPolicy } from "./policy/policy-file.ts";
import { DEFAULT_TARGET, parseTargets } from "./targets.ts";
import { saveTargets } from "./tenant-home.ts";

/** What the enrolment of a tenant needs. */
export interface EnrollTenantOptions extends EnrollOptions {
  /** Where identity, targets and policy are kept: the tenant's own folder, made if it is not there. */
  home: string;
  /**
   * The home's targets, one at least: names, and where each is dialled, as `host:port`. A fresh policy lets every operator of the
   * provider reach them, and nothing else. Default: `rdp`, this machine's own RDP server.
   */
  targets?: Readonly<Record<string, string>> | undefined;
}

/** A tenant that was just enrolled. */
export interface EnrolledTenant {
  readonly identity: EnrolledIdentity;
  /** Whether a policy was written: one that was there stays as it was. */
  readonly hasFreshPolicy: boolean;
}

/**
 * Enrols this machine as a tenant redirector, as `drawbridge tenant enroll` does.
 *
 * Errors: as of `enrollOperator`; `invalid-argument` for targets that are none, and `permission-denied` for an address that
 * no target may have.
 */
export async function enrollTenant(options: EnrollTenantOptions): Promise<EnrolledTenant> {
  const { home, targets: given } = options;
  const texts = Object.entries(given ?? {}).map(([name, address]) => `${name}=${address}`);
  const targets = parseTargets(given === undefined ? [DEFAULT_TARGET] : texts);
  // A rule of the policy that names no target is about all of them.
  if (targets.size === 0) throw new DrawbridgeError("invalid-argument", "a tenant needs a target, and none was given");
  const identity = await enroll("tenant", home, options);
  await saveTargets(home, targets);
  return { identity, hasFreshPolicy: await writeFreshPolicy(home, targets, identity.provider) };
}
