import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { PrincipalKind } from "@drawbridge/gen/drawbridge/v1/common";
import type { WhoAmIResponseSchema } from "@drawbridge/gen/drawbridge/v1/enrollment";
import { EnrollmentService } from "@drawbridge/gen/drawbridge/v1/enrollment";
import type { ServiceImplementation } from "nice-grpc";
import { certificateFacts, InviteSecret } from "../../identity/index.ts";
import { peerCertificateOf } from "../../rpc/call-connection.ts";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import type { CloudCore } from "../cloud-core.ts";
import type { Caller } from "../rights.ts";
import { kindOf, ROLE_MESSAGE } from "./messages.ts";

export const enrollmentServiceDefinition = serviceDefinition(EnrollmentService);

/** How principals get their certificates, and what they are enrolled as. */
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
    async whoAmI(_request, { caller, metadata }) {
      const certificate = peerCertificateOf(metadata);
      if (certificate === undefined) throw new DrawbridgeError("unauthenticated", "nobody to know");
      const { notAfter } = certificateFacts(certificate);
      return {
        ...principalMessage(core, caller),
        certificateExpires: timestampFromMs(notAfter),
        provider: core.provider,
      };
    },
  };
}

function principalMessage(core: CloudCore, caller: Caller): MessageInitShape<typeof WhoAmIResponseSchema> {
  switch (caller.kind) {
    case "anonymous":
      return {};
    case "tenant": {
      const groups = [...(core.registry.get(caller.name)?.groups ?? [])];
      return { kind: PrincipalKind.TENANT, name: caller.name, groups };
    }
    case "operator": {
      const { name, role, groups } = caller;
      return { kind: PrincipalKind.OPERATOR, name, role: ROLE_MESSAGE[role], groups: [...groups] };
    }
  }
}
