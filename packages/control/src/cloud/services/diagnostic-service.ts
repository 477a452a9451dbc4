import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { DiagnosticService } from "@drawbridge/gen/drawbridge/v1/diagnostic";
import type { ServiceImplementation } from "nice-grpc";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import type { CloudCore } from "../cloud-core.ts";
import type { Caller } from "../rights.ts";

export const diagnosticServiceDefinition = serviceDefinition(DiagnosticService);

/** For whoever looks for the fault on the way to the provider. */
export function diagnosticService(
  core: CloudCore,
): ServiceImplementation<typeof diagnosticServiceDefinition, { caller: Caller }> {
  return {
    async openTestLink(_request, { caller, peer }) {
      if (caller.kind === "anonymous") throw new DrawbridgeError("unauthenticated", "nobody to open a test link for");
      const { remoteToken, tenantToken, expiresInMs } = core.testLinks.open(caller);
      return {
        remoteToken: remoteToken.bytes,
        tenantToken: tenantToken.bytes,
        expiresIn: durationFromMs(expiresInMs),
        serverTime: timestampFromMs(core.clock.wallNow()),
        sourceAddress: peer,
      };
    },
  };
}
