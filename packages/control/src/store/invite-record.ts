import type { OperatorRole } from "./principal-record.ts";

interface InviteBase {
  /** The name that the principal will have. */
  readonly name: string;
  /** The groups that the principal will have. */
  readonly groups: readonly string[];
  /** From `hashInviteSecret`, 64 lower-case hex digits. */
  readonly secretHash: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** Who made it, for people: an operator's name, or `local` for someone at the cloud redirector's own machine. */
  readonly createdBy: string;
}

/** An invite to become a tenant or an operator. */
export type Invite =
  | (InviteBase & { readonly kind: "tenant" })
  | (InviteBase & { readonly kind: "operator"; readonly role: OperatorRole });
