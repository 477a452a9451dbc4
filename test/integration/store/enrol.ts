import { randomBytes } from "node:crypto";
import { hashInviteSecret, InviteSecret, type PrincipalKind } from "@drawbridge/control/identity";
import type { EnrolledCredential, Invite, OperatorRole, PrincipalRecord, Store } from "@drawbridge/control/store";

/** What a test cares about of an invite. */
export interface InviteWish {
  readonly kind: PrincipalKind;
  readonly name: string;
  /** Default: none. */
  readonly groups?: readonly string[];
  /** Default: operator. */
  readonly role?: OperatorRole;
  /** Default: 1,000,000. */
  readonly expiresAt?: number;
}

/** An invite with a random secret. */
export function invite(wish: InviteWish): Invite {
  const base = {
    name: wish.name,
    groups: wish.groups ?? [],
    secretHash: hashInviteSecret(InviteSecret.random()),
    expiresAt: wish.expiresAt ?? 1_000_000,
    createdBy: "local",
  };
  return wish.kind === "tenant"
    ? { kind: "tenant", ...base }
    : { kind: "operator", ...base, role: wish.role ?? "operator" };
}

/** A key and a certificate that nobody else has. */
export function credential(): EnrolledCredential {
  return { keyFingerprint: randomBytes(32).toString("hex"), certificateSerial: randomBytes(16).toString("hex") };
}

/** Invites and redeems at the time 1,000. */
export async function enrol(store: Store, wish: InviteWish): Promise<PrincipalRecord> {
  const made = invite(wish);
  await store.invites.create(made);
  return store.invites.redeem(made.secretHash, made.kind, 1_000, credential());
}
