import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Session as SessionMessage } from "@drawbridge/gen/drawbridge/v1/admin";
import { AdminService, SessionState } from "@drawbridge/gen/drawbridge/v1/admin";
import { OperatorRole, PrincipalKind } from "@drawbridge/gen/drawbridge/v1/common";
import type { Client } from "nice-grpc";
import type { RpcChannel } from "../rpc/channel.ts";
import { serviceDefinition } from "../rpc/service-definition.ts";
import type { TenantEntry } from "./tenant-entry.ts";
import { tenantEntry } from "./tenant-entry.ts";

const definition = serviceDefinition(AdminService);

const KINDS = { tenant: PrincipalKind.TENANT, operator: PrincipalKind.OPERATOR } as const;
const ROLES = { viewer: OperatorRole.VIEWER, operator: OperatorRole.OPERATOR, admin: OperatorRole.ADMIN } as const;

/** An open session, as listed. */
export interface SessionEntry {
  id: string;
  operator: string;
  tenant: string;
  target: string;
  reason: string;
  ticket: string;
  state: "pending" | "open";
  /** Milliseconds since the Unix epoch. */
  started: number;
  links: number;
  toTenant: number;
  toRemote: number;
  sourceAddress: string;
  /** Its links go without end-to-end encryption. */
  plain: boolean;
}

/** A record of the audit log, as read. */
export interface AuditEntry {
  sequence: number;
  /** Milliseconds since the Unix epoch. */
  time: number;
  event: string;
  tenant: string;
  operator: string;
  details: unknown;
  /** Hexadecimal. */
  hash: string;
}

/** Which audit records are wanted. */
export interface AuditQuery {
  /** Milliseconds since the Unix epoch. */
  since?: number;
  tenant?: string;
  operator?: string;
  /** Only those behind this one. */
  afterSequence?: number;
  follow: boolean;
}

/** Who is to be invited, by an admin from its own machine. */
export interface InviteOrder {
  kind: "tenant" | "operator";
  name: string;
  role?: keyof typeof ROLES;
  groups: readonly string[];
  expiresInMs?: number;
}

/** What a provider's people do beside opening sessions, from their own machines. */
export class AdminClient {
  readonly #client: Client<typeof definition>;

  constructor(channel: RpcChannel) {
    this.#client = channel.client(definition);
  }

  async listTenants(signal: AbortSignal): Promise<TenantEntry[]> {
    return (await this.#client.listTenants({}, { signal })).tenants.map(tenantEntry);
  }

  async listSessions(signal: AbortSignal): Promise<SessionEntry[]> {
    return (await this.#client.listSessions({}, { signal })).sessions.map(sessionEntry);
  }

  async endSession(sessionId: string, signal: AbortSignal): Promise<void> {
    await this.#client.endSession({ sessionId }, { signal });
  }

  /** Returns how many sessions that ended. */
  async revoke(kind: keyof typeof KINDS, name: string, signal: AbortSignal): Promise<number> {
    return (await this.#client.revoke({ kind: KINDS[kind], name }, { signal })).sessionsEnded;
  }

  async createInvite(order: InviteOrder, signal: AbortSignal): Promise<{ code: string; expiresAt: number }> {
    const { kind, name, role, groups, expiresInMs } = order;
    const request = {
      kind: KINDS[kind],
      name,
      groups: [...groups],
      ...(role && { role: ROLES[role] }),
      ...(expiresInMs !== undefined && { expiresIn: durationFromMs(expiresInMs) }),
    };
    const { code, expires } = await this.#client.createInvite(request, { signal });
    return { code, expiresAt: expires === undefined ? 0 : timestampMs(expires) };
  }

  /** The records in order; with `follow`, goes on as they are written. */
  async *readAudit(query: AuditQuery, signal: AbortSignal): AsyncGenerator<AuditEntry, void, undefined> {
    const { since, tenant = "", operator = "", afterSequence = 0, follow } = query;
    const from = {
      afterSequence: BigInt(afterSequence),
      ...(since !== undefined && { since: timestampFromMs(since) }),
    };
    for await (const record of this.#client.readAudit({ tenant, operator, follow, ...from }, { signal })) {
      // A cloud redirector that does not know where to begin tells all.
      if (Number(record.sequence) <= afterSequence) continue;
      yield {
        sequence: Number(record.sequence),
        time: record.time === undefined ? 0 : timestampMs(record.time),
        event: record.event,
        tenant: record.tenant,
        operator: record.operator,
        details: JSON.parse(record.detailsJson) as unknown,
        hash: Buffer.from(record.hash).toString("hex"),
      };
    }
  }
}

function sessionEntry(session: SessionMessage): SessionEntry {
  const { id, operator, tenant, target, reason, ticket, state, started, openLinks, bytes, sourceAddress, plain } =
    session;
  return {
    id,
    operator,
    tenant,
    target,
    reason,
    ticket,
    sourceAddress,
    plain,
    state: state === SessionState.OPEN ? "open" : "pending",
    started: started === undefined ? 0 : timestampMs(started),
    links: openLinks,
    toTenant: Number(bytes?.toTenant ?? 0n),
    toRemote: Number(bytes?.toRemote ?? 0n),
  };
}
