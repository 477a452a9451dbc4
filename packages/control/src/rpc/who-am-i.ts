import { timestampMs } from "@bufbuild/protobuf/wkt";
import { toDrawbridgeError } from "@drawbridge/dataplane";
import { OperatorRole, PrincipalKind } from "@drawbridge/gen/drawbridge/v1/common";
import { EnrollmentService } from "@drawbridge/gen/drawbridge/v1/enrollment";
import { ClientError, Status } from "nice-grpc-common";
import type { RpcChannel } from "./channel.ts";
import { serviceDefinition } from "./service-definition.ts";

const definition = serviceDefinition(EnrollmentService);

const KINDS: Partial<Record<PrincipalKind, "tenant" | "operator">> = {
  [PrincipalKind.TENANT]: "tenant",
  [PrincipalKind.OPERATOR]: "operator",
};
const ROLES: Partial<Record<OperatorRole, "viewer" | "operator" | "admin">> = {
  [OperatorRole.VIEWER]: "viewer",
  [OperatorRole.OPERATOR]: "operator",
  [OperatorRole.ADMIN]: "admin",
};

/** A caller, as the cloud redirector knows it. */
export interface EnrolledCaller {
  /** Undefined for a kind that is newer than this client. */
  kind: "tenant" | "operator" | undefined;
  name: string;
  /** Undefined for a tenant, and for a role that is newer than this client. */
  role: "viewer" | "operator" | "admin" | undefined;
  /** A tenant's own; an operator's, which may reach these, and all where there is none. */
  groups: string[];
  /** When the certificate of this call expires, in milliseconds since the Unix epoch; undefined where it is not said. */
  certificateExpires: number | undefined;
  provider: string;
}

/**
 * Asks the cloud redirector as whom it knows the caller. Undefined from one that is older than this question.
 *
 * Errors: `unauthenticated`, `revoked`, `unavailable`, `cancelled`.
 */
export async function whoAmI(channel: RpcChannel, signal: AbortSignal): Promise<EnrolledCaller | undefined> {
  const answer = await channel
    .client(definition)
    .whoAmI({}, { signal })
    .catch((error: unknown) => {
      if (isUnknownCall(error)) return undefined;
      throw error;
    });
  return (
    answer && {
      kind: KINDS[answer.kind],
      name: answer.name,
      role: ROLES[answer.role],
      groups: answer.groups,
      certificateExpires: answer.certificateExpires && timestampMs(answer.certificateExpires),
      provider: answer.provider,
    }
  );
}

function isUnknownCall(error: unknown): boolean {
  const { cause } = toDrawbridgeError(error);
  return cause instanceof ClientError && cause.code === Status.UNIMPLEMENTED;
}
