import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type {
  CreateInviteRequest,
  ReadAuditRequest,
  ReadAuditResponseSchema,
} from "@drawbridge/gen/drawbridge/v1/admin";
import { AdminService } from "@drawbridge/gen/drawbridge/v1/admin";
import type { ServiceImplementation } from "nice-grpc";
import { gatewayOfCall } from "../../rpc/call-connection.ts";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import type { AuditRecord } from "../../store/index.ts";
import type { CloudCore } from "../cloud-core.ts";
import type { InviteRequest } from "../administration.ts";
import type { Caller } from "../rights.ts";
import { mayReach } from "../rights.ts";
import { kindOf, ROLE_MESSAGE, roleOf, sessionMessage, tenantFilter, tenantMessage } from "./messages.ts";

export const adminServiceDefinition = serviceDefinition(AdminService);

/** What a provider's people do beside opening sessions. */
export function adminService(
  core: CloudCore,
): ServiceImplementation<typeof adminServiceDefinition, { caller: Caller }> {
  const { administration, registry, broker } = core;
  return {
    async createInvite(request, { caller }) {
      const { code, expiresAt } = await administration.createInvite(inviteRequest(request), callerName(caller));
      return { code, expires: timestampFromMs(expiresAt) };
    },
    async listTenants({ filter }, { caller }) {
      const tenants = registry.list(tenantFilter(filter)).filter(({ groups }) => mayReach(caller, groups));
      return { tenants: tenants.map((tenant) => tenantMessage(tenant, broker.openSessionsOf(tenant.name))) };
    },
    async listOperators() {
      const operators = await administration.listOperators();
      return {
        operators: operators.map(({ name, role, groups, enrolledAt, state }) => ({
          name,
          role: ROLE_MESSAGE[role],
          groups: [...groups],
          enrolled: timestampFromMs(enrolledAt),
          revoked: state === "revoked",
        })),
      };
    },
    async revoke({ kind, name }, { caller }) {
      return { sessionsEnded: await administration.revoke(kindOf(kind), name, callerName(caller)) };
    },
    async listSessions(_request, { caller }) {
      const visible = broker
        .list()
        .filter(({ purpose }) => mayReach(caller, registry.get(purpose.tenant)?.groups ?? []));
      return { sessions: visible.map(sessionMessage) };
    },
    async endSession({ sessionId }, { caller }) {
      administration.endSession(sessionId, caller);
      return {};
    },
    readAudit: (request, { signal, metadata }) => readAudit(core, request, signal, gatewayOfCall(metadata)),
  };
}

const callerName = (caller: Caller): string => (caller.kind === "anonymous" ? "" : caller.name);

function inviteRequest({ kind, name, role, groups, expiresIn }: CreateInviteRequest): InviteRequest {
  const expiresInMs = expiresIn === undefined ? undefined : Number(expiresIn.seconds) * 1000;
  const base = { name, groups, ...(expiresInMs !== undefined && { expiresInMs }) };
  return kindOf(kind) === "tenant" ? { ...base, kind: "tenant" } : { ...base, kind: "operator", role: roleOf(role) };
}

async function* readAudit(core: CloudCore, request: ReadAuditRequest, called: AbortSignal, gateway?: string) {
  const filter = {
    afterSequence: Number(request.afterSequence),
    ...(request.since && { since: timestampMs(request.since) }),
    ...(request.tenant !== "" && { tenant: request.tenant }),
    ...(request.operator !== "" && { operator: request.operator }),
  };
  const gatewayStops = new AbortController();
  const signal = AbortSignal.any([called, core.stopping, gatewayStops.signal]);
  const unwatch = core.gatewayDrains.watch(request.follow ? gateway : undefined, (why) => gatewayStops.abort(why));
  try {
    for await (const record of core.audit.read(filter, request.follow, signal)) yield auditMessage(record);
    gatewayStops.signal.throwIfAborted();
    core.refuseWhileStopping();
  } finally {
    unwatch();
  }
}

function auditMessage(record: AuditRecord): MessageInitShape<typeof ReadAuditResponseSchema> {
  const { sequence, time, event, tenant, operator, detailsJson, hash } = record;
  return {
    sequence: BigInt(sequence),
    time: timestampFromMs(time),
    event,
    tenant,
    operator,
    detailsJson,
    hash: Buffer.from(hash, "hex"),
  };
}
