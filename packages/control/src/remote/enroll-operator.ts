import type { EnrolledIdentity } from "../identity/index.ts";
import { enroll, type EnrollOptions } from "../rpc/enroll.ts";

/** What the enrolment of an operator needs. */
export interface EnrollOperatorOptions extends EnrollOptions {
  /**
   * Where the identity is kept: the operator's own folder, made if it is not there. Default: nowhere. What is returned is
   * then the only copy, for the option `identity`.
   */
  home?: string | undefined;
}

/**
 * Enrols this program, or who runs it, as an operator, as `drawbridge operator enroll` does.
 *
 * Errors: `invite-invalid`; `home-exists` where the home has an identity; `home-invalid` and `limit-exceeded` for a home
 * that cannot be written; `invalid-argument` for a proxy that cannot be read; `certificate-invalid` where the server is not
 * the one that the code names; `dial-failed` and `unavailable` where none of its addresses answers; `cancelled`.
 */
export function enrollOperator(options: EnrollOperatorOptions): Promise<EnrolledIdentity> {
  return enroll("operator", options.home, options);
}
