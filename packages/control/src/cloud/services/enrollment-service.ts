import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { EnrollmentService } from "@drawbridge/gen/drawbridge/v1/enrollment";
import type { ServiceImplementation } from "nice-grpc";
import { InviteSecret } from "../../identity/index.ts";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import type { CloudCore } from "../cloud-core.ts";
import type { Caller } from "../rights.ts";
import { kindOf } from "./messages.ts";

export const enrollmentServiceDefinition = serviceDefinition(EnrollmentService);

/** How principals get their certificates. */
export function enrollmentService(
  core: CloudCore,
): ServiceImplementation<typeof enrollmentServiceDefinition, { caller: Caller }> {
  return {
    async enroll(request, context) {
      const { secret, certificateRequest } = request;
      const kind = kindOf(request.kind);
      const enrolled = await core.enrollment.enroll(kind, new InviteSecret(secret), certificateRequest, context.peer);
      return {
        certificate: enrolled.certificate,
        caCertificates: core.enrollment.caCertificates(),
        name: enrolled.name,
        provider: core.provider,
      };
    },
    async renew(request, context) {
      if (context.caller.kind === "anonymous") throw new DrawbridgeError("unauthenticated", "nobody to renew for");
      const issued = await core.enrollment.renew(context.caller, request.certificateRequest);
      return {
        certificate: issued.der,
        caCertificates: core.enrollment.caCertificates(),
        notAfter: timestampFromMs(issued.notAfter),
      };
    },
  };
}
