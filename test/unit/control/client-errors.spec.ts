import { encodeStatusDetails } from "@drawbridge/control/rpc";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { ClientMiddlewareCall } from "nice-grpc-common";
import { ClientError, Metadata, Status } from "nice-grpc-common";
import { clientErrorMiddleware } from "../../../packages/control/src/rpc/client-errors.ts";
import { thrown } from "../identity/thrown.ts";

/** What a caller gets when its call ends with an error, and with details in the trailer where there are some. */
function translated(failure: Error, details?: Uint8Array): Promise<DrawbridgeError> {
  const call = {
    request: {},
    // eslint-disable-next-line require-yield
    async *next(_request: unknown, options: { onTrailer?: (trailer: Metadata) => void }) {
      const trailer = Metadata();
      if (details !== undefined) trailer.set("grpc-status-details-bin", details);
      options.onTrailer?.(trailer);
      await Promise.resolve();
      throw failure;
    },
  } as unknown as ClientMiddlewareCall<unknown, unknown>;
  return thrown(() => clientErrorMiddleware("bridge.example:8443")(call, {}).next());
}
const clientError = (code: Status, details: string): ClientError => new ClientError("/x.Y/Z", code, details);

describe("client errors", () => {
  it("are the server's own where the status has details", async () => {
    const refusal = new DrawbridgeError("consent-refused", "not now", { remedy: "Ask tomorrow." });
    const error = await translated(clientError(Status.PERMISSION_DENIED, "x"), encodeStatusDetails(refusal));
    expect(error).to.include({ code: "consent-refused", message: "not now", remedy: "Ask tomorrow." });
  });

  for (const [details, part] of [
    ["connect ECONNREFUSED 127.0.0.1:1", "nothing listens"],
    ["Name resolution failed for target dns:nowhere", "does not resolve"],
    ["getaddrinfo EAI_AGAIN x", "does not resolve"],
    ["certificate has expired", "not valid at this time"],
    ["self-signed certificate in certificate chain", "another CA"],
    ["unable to verify the first certificate", "another CA"],
    ["Hostname/IP does not match certificate's altnames", "another CA"],
    ["ssl/tls alert bad certificate", "did not accept"],
    ["wrong version number", "does not speak"],
    ["connect ETIMEDOUT 192.0.2.1:1", "in time"],
    ["something nobody has seen", "cannot be reached"],
    ["", "cannot be reached"],
  ] as const) {
    it(`tell a person what "${details}" means, where, and what to do`, async () => {
      for (const status of [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED]) {
        const error = await translated(clientError(status, details));
        expect(error.code).to.equal("unavailable");
        expect(error.message).to.contain("bridge.example:8443").and.to.contain(part);
        expect(error.remedy).to.match(/\.$/);
      }
    });
  }

  for (const [status, code] of [
    [Status.CANCELLED, "cancelled"],
    [Status.RESOURCE_EXHAUSTED, "limit-exceeded"],
    [Status.UNIMPLEMENTED, "unavailable"],
    [Status.INTERNAL, "internal"],
    [Status.UNKNOWN, "internal"],
    [Status.UNAUTHENTICATED, "internal"],
  ] as const) {
    it(`are ${code} for the bare status ${Status[status]}, also with malformed details`, async () => {
      for (const details of [undefined, new Uint8Array([0xff])]) {
        expect((await translated(clientError(status, "why"), details)).code).to.equal(code);
      }
    });
  }

  it("leave what is no status alone", async () => {
    const abort = new DrawbridgeError("cancelled", "the caller gave up");
    expect(await translated(abort)).to.equal(abort);
  });
});
