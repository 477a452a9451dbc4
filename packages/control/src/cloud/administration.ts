import { DrawbridgeError } from "@drawbridge/dataplane";
import type { PrincipalKind } from "../identity/index.ts";
import {
  encodeInviteCode,
  hashInviteSecret,
  InviteSecret,
  validateGroupName,
  validatePrincipalName,
} from "../identity/index.ts";
import type { OperatorRecord, Store } from "../store/index.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { AuditWriter } from "./audit-log.ts";
import type { Caller, Role } from "./rights.ts";
import { mayReach } from "./rights.ts";
import type { SessionBroker } from "./session-broker.ts";
import type { TenantRegistry } from "./tenant-registry.ts";

/** Who is to be invited. */
export type InviteRequest = {
  name: string;
  groups: readonly string[];
  /** How long the code is good, in milliseconds. Default 24 hours. */
  expiresInMs?: number;
} & ({ kind: "tenant" } | { kind: "operator"; role: Role });

/** What making an invite needs; `drawbridge cloud invite` has it without a running cloud redirector. */
export interface InviteOptions {
  store: Store;
  audit: AuditWriter;
  clock: WallClock;
  /** Where clients dial, as `host:port`, in order of preference. */
  addresses: readonly string[];
  /** SHA-256 of the CA's certificate. */
  caFingerprint: Buffer;
}

const MINUTE_MS = 60 * 1000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * How long the connections of a principal that was revoked stay, in milliseconds, so that it hears why its sessions and
 * streams were ended. They carry nothing else any more: links are closed at once, and new calls are refused.
 */
const LAST_WORDS_MS = 250;

/** The limits of the contract (CreateInviteRequest.expires_in). */
function validateExpiry(expiresInMs: number): void {
  if (expiresInMs >= MINUTE_MS && expiresInMs <= 30 * DAY_MS) return;
  throw new DrawbridgeError("invalid-argument", "an invite code is good for 1 minute to 30 days", {
    remedy: "Name a time between them, for example 30m, 24h or 7d.",
  });
}

/**
 * Makes an invite code. It is returned here and kept nowhere: the store has its hash.
 *
 * Errors: `invalid-argument` for a name, `limit-exceeded` when too many invites are pending.
 */
export async function createInvite(
  { store, audit, clock, addresses, caFingerprint }: InviteOptions,
  request: InviteRequest,
  createdBy: string,
): Promise<{ code: string; expiresAt: number }> {
  validatePrincipalName(request.name);
  for (const group of request.groups) validateGroupName(group);
  validateExpiry(request.expiresInMs ?? DAY_MS);
  const secret = InviteSecret.random();
  const expiresAt = clock.wallNow() + (request.expiresInMs ?? DAY_MS);
  const { name, groups } = request;
  const base = { name, groups, secretHash: hashInviteSecret(secret), expiresAt, createdBy };
  await store.invites.create(
    request.kind === "tenant" ? { ...base, kind: "tenant" } : { ...base, kind: "operator", role: request.role },
  );
  const details = { by: createdBy, groups, expiresAt, ...(request.kind === "operator" && { role: request.role }) };
  await audit.record("invited", { [request.kind]: name, details });
  return { code: encodeInviteCode({ addresses: [...addresses], caFingerprint, secret }), expiresAt };
}

/** What administration needs beside what invites need. */
export interface AdministrationOptions extends InviteOptions {
  broker: SessionBroker;
  registry: TenantRegistry;
  /** Closes every connection that was made with a key. */
  disconnect: (keyFingerprint: string) => void;
}

/** What the provider's people do to the running cloud redirector. */
export class Administration {
  readonly #options: AdministrationOptions;

  constructor(options: AdministrationOptions) {
    this.#options = options;
  }

  createInvite(request: InviteRequest, createdBy: string): Promise<{ code: string; expiresAt: number }> {
    return createInvite(this.#options, request, createdBy);
  }

  listOperators(): Promise<readonly OperatorRecord[]> {
    return this.#options.store.principals.list("operator");
  }

  /**
   * Takes a principal's access away and closes all that it has open. Returns how many sessions that ended.
   *
   * Errors: `tenant-not-found` or `invalid-argument` when there is no such principal.
   */
  async revoke(kind: PrincipalKind, name: string, by: string): Promise<number> {
    const { store, audit, clock, registry, broker, disconnect } = this.#options;
    const record = await store.principals.find(kind, name);
    const wasThere = await store.principals.setRevoked(kind, name, clock.wallNow());
    if (record === undefined || !wasThere) throw nobody(kind, name);
    const sessions = kind === "tenant" ? broker.ofTenant(name) : broker.ofOperator(name);
    const reason = { code: "revoked" as const, message: `${kind} ${name} was revoked` };
    for (const session of sessions) session.end(reason);
    const presence = kind === "tenant" ? registry.get(name)?.presence : undefined;
    if (presence?.name === "online") presence.port.goodbye(reason);
    if (kind === "tenant") registry.removed(name);
    clock.setTimer(LAST_WORDS_MS, () => disconnect(record.keyFingerprint));
    await audit.record("revoked", { [kind]: name, details: { by, sessions: sessions.length } });
    return sessions.length;
  }

  /**
   * Ends a session: one's own, or, for an admin, anyone's.
   *
   * Errors: `session-not-found`, also for one that the caller may not see; `permission-denied`.
   */
  endSession(id: string, caller: Caller): void {
    const { broker, registry } = this.#options;
    const session = broker.get(id);
    const groups = session && (registry.get(session.purpose.tenant)?.groups ?? []);
    if (session === undefined || groups === undefined || !mayReach(caller, groups)) {
      throw new DrawbridgeError("session-not-found", `there is no open session ${id}`, {
        remedy: "`drawbridge sessions` lists those that are open.",
      });
    }
    if (caller.kind !== "operator" || (caller.role !== "admin" && session.operator.name !== caller.name)) {
      throw new DrawbridgeError("permission-denied", `session ${id} is ${session.operator.name}'s`, {
        remedy: "Ask that operator, or an admin, to end it.",
      });
    }
    session.end({ code: "closed", message: `${caller.name} ended the session` });
  }
}

function nobody(kind: PrincipalKind, name: string): DrawbridgeError {
  const code = kind === "tenant" ? "tenant-not-found" : "invalid-argument";
  return new DrawbridgeError(code, `there is no ${kind} ${name}`, { remedy: "Check the name." });
}
