import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { SessionSchema } from "@drawbridge/gen/drawbridge/v1/admin";
import { SessionState } from "@drawbridge/gen/drawbridge/v1/admin";
import { OperatorRole, PrincipalKind } from "@drawbridge/gen/drawbridge/v1/common";
import type { ByteCountsSchema } from "@drawbridge/gen/drawbridge/v1/common";
import type { Hello } from "@drawbridge/gen/drawbridge/v1/control";
import type { TenantFilter as TenantFilterMessage, TenantSchema } from "@drawbridge/gen/drawbridge/v1/registry";
import { TenantState } from "@drawbridge/gen/drawbridge/v1/registry";
import type { LegTicket, SessionBytes } from "../ports.ts";
import type { Role } from "../rights.ts";
import type { Session } from "../session.ts";
import type { RegisteredTenant, TenantFacts, TenantFilter } from "../tenant-registry.ts";

/** The contract's roles by ours. */
export const ROLE_MESSAGE: Record<Role, OperatorRole> = {
  viewer: OperatorRole.VIEWER,
  operator: OperatorRole.OPERATOR,
  admin: OperatorRole.ADMIN,
};

/** Our role of the contract's; a role that is not known, or none, is the default `operator`. */
export function roleOf(role: OperatorRole): Role {
  if (role === OperatorRole.VIEWER) return "viewer";
  return role === OperatorRole.ADMIN ? "admin" : "operator";
}

/** Our kind of the contract's. Validation has refused any other. */
export function kindOf(kind: PrincipalKind): "tenant" | "operator" {
  return kind === PrincipalKind.TENANT ? "tenant" : "operator";
}

export function byteCounts(bytes: SessionBytes): MessageInitShape<typeof ByteCountsSchema> {
  return { toTenant: BigInt(bytes.toTenant), toRemote: BigInt(bytes.toRemote) };
}

/** What LinkTicket and LinkOffer have in common. */
export function legFields(ticket: LegTicket) {
  return {
    linkId: ticket.linkId,
    token: ticket.token.bytes,
    rendezvousAddress: ticket.rendezvousAddress,
    expiresIn: durationFromMs(Math.max(0, Math.round(ticket.expiresInMs))),
  };
}

export function tenantMessage(tenant: RegisteredTenant, openSessions: number): MessageInitShape<typeof TenantSchema> {
  const { presence, facts } = tenant;
  return {
    name: tenant.name,
    state: presence.name === "online" ? TenantState.ONLINE : TenantState.OFFLINE,
    ...(presence.since !== undefined && { since: timestampFromMs(presence.since) }),
    groups: [...tenant.groups],
    keyFingerprint: Buffer.from(tenant.keyFingerprint, "hex"),
    openSessions,
    freeTargets: presence.name === "online" && facts?.freeTargets === true,
    ...(facts && {
      software: facts.software,
      hostName: facts.hostName,
      platform: facts.platform,
      sourceAddress: facts.sourceAddress,
      targets: facts.targets.map(({ name, address }) => ({ name, address })),
    }),
  };
}

export function tenantFilter(message: TenantFilterMessage | undefined): TenantFilter {
  if (message === undefined) return {};
  return {
    ...(message.nameContains !== "" && { nameContains: message.nameContains }),
    groups: message.groups,
    ...(message.state === TenantState.ONLINE && { state: "online" as const }),
    ...(message.state === TenantState.OFFLINE && { state: "offline" as const }),
  };
}

export function tenantFacts(hello: Hello, sourceAddress: string): TenantFacts {
  const { software, hostName, platform, targets, freeTargets } = hello;
  return {
    software,
    hostName,
    platform,
    sourceAddress,
    targets: targets.map(({ name, address }) => ({ name, address })),
    freeTargets,
  };
}

export function sessionMessage(session: Session): MessageInitShape<typeof SessionSchema> {
  const { id, operator, purpose, startedAt } = session;
  return {
    id,
    operator: operator.name,
    sourceAddress: operator.sourceAddress,
    ...purpose,
    state: session.state.name === "open" ? SessionState.OPEN : SessionState.PENDING,
    started: timestampFromMs(startedAt),
    openLinks: session.openLinks,
    bytes: byteCounts(session.bytes()),
    plain: session.state.name === "open" && session.state.plain,
  };
}
