import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import type { DrawbridgeError, ErrorCode } from "@drawbridge/dataplane";
import { closeReasonError } from "@drawbridge/dataplane";
import { RefusalSchema } from "@drawbridge/gen/drawbridge/v1/common";
import { StatusSchema } from "@drawbridge/gen/google/rpc/status";
import { Status } from "nice-grpc-common";
import { fromRefusal, toRefusal } from "../wire/refusal.ts";

/** What an error code means to gRPC. */
interface StatusMapping {
  /** The gRPC status that the code travels as. */
  status: Status;
  /** Whether the same call may succeed later without anybody changing anything. */
  retryable: boolean;
}

const mapping = (status: Status, retryable = false): StatusMapping => ({ status, retryable });

/** Every error code's gRPC status, and whether a retry is worth while. */
export const STATUS_OF_CODE: Record<ErrorCode, StatusMapping> = {
  unauthenticated: mapping(Status.UNAUTHENTICATED),
  "permission-denied": mapping(Status.PERMISSION_DENIED),
  "invalid-argument": mapping(Status.INVALID_ARGUMENT),
  "tenant-offline": mapping(Status.UNAVAILABLE, true),
  "tenant-not-found": mapping(Status.NOT_FOUND),
  "tenant-lost": mapping(Status.UNAVAILABLE, true),
  "target-not-found": mapping(Status.NOT_FOUND),
  "target-unreachable": mapping(Status.FAILED_PRECONDITION, true),
  "consent-refused": mapping(Status.PERMISSION_DENIED),
  "consent-expired": mapping(Status.DEADLINE_EXCEEDED),
  "session-not-found": mapping(Status.NOT_FOUND),
  "invite-invalid": mapping(Status.PERMISSION_DENIED),
  "token-invalid": mapping(Status.PERMISSION_DENIED),
  "handshake-timeout": mapping(Status.DEADLINE_EXCEEDED, true),
  "protocol-violation": mapping(Status.INVALID_ARGUMENT),
  "limit-exceeded": mapping(Status.RESOURCE_EXHAUSTED, true),
  "dial-failed": mapping(Status.UNAVAILABLE, true),
  "address-in-use": mapping(Status.FAILED_PRECONDITION),
  "home-missing": mapping(Status.FAILED_PRECONDITION),
  "home-invalid": mapping(Status.FAILED_PRECONDITION),
  "home-exists": mapping(Status.ALREADY_EXISTS),
  "certificate-invalid": mapping(Status.UNAUTHENTICATED),
  superseded: mapping(Status.ABORTED),
  revoked: mapping(Status.UNAUTHENTICATED),
  "shutting-down": mapping(Status.UNAVAILABLE, true),
  idle: mapping(Status.ABORTED),
  expired: mapping(Status.DEADLINE_EXCEEDED),
  cancelled: mapping(Status.CANCELLED),
  closed: mapping(Status.CANCELLED),
  unavailable: mapping(Status.UNAVAILABLE, true),
  internal: mapping(Status.INTERNAL),
};

/** The trailer that carries `google.rpc.Status`, by gRPC's convention. */
export const STATUS_DETAILS_TRAILER = "grpc-status-details-bin";

/** An error's status details, for the trailer. */
export function encodeStatusDetails(error: DrawbridgeError): Uint8Array {
  const refusal = create(RefusalSchema, toRefusal(error));
  const status = create(StatusSchema, {
    code: STATUS_OF_CODE[error.code].status,
    message: refusal.message,
    details: [anyPack(RefusalSchema, refusal)],
  });
  return toBinary(StatusSchema, status);
}

/** The error that status details hold; undefined where they hold none of ours. */
export function decodeStatusDetails(bytes: Uint8Array | undefined): DrawbridgeError | undefined {
  if (bytes === undefined) return undefined;
  try {
    const packed = fromBinary(StatusSchema, bytes).details.find((detail) =>
      detail.typeUrl.endsWith("/drawbridge.v1.Refusal"),
    );
    const refusal = packed && anyUnpack(packed, RefusalSchema);
    return refusal && closeReasonError(fromRefusal(refusal));
  } catch {
    return undefined; // malformed details say nothing; the status itself still does
  }
}
