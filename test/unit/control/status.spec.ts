import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { decodeStatusDetails, encodeStatusDetails, STATUS_OF_CODE } from "@drawbridge/control/rpc";
import { DrawbridgeError, ERROR_CODES } from "@drawbridge/dataplane";
import { RefusalSchema } from "@drawbridge/gen/drawbridge/v1/common";
import { StatusSchema } from "@drawbridge/gen/google/rpc/status";
import { expect } from "chai";
import fc from "fast-check";
import { Status } from "nice-grpc-common";

describe("gRPC status", () => {
  it("is known of every error code, and is never OK", () => {
    expect(Object.keys(STATUS_OF_CODE).sort()).to.deep.equal([...ERROR_CODES].sort());
    for (const code of ERROR_CODES) {
      expect(Status[STATUS_OF_CODE[code].status], code).to.be.a("string");
      expect(STATUS_OF_CODE[code].status, code).not.to.equal(Status.OK);
    }
  });

  it("is never worth a retry for what nobody but a person can mend", () => {
    for (const code of [
      "unauthenticated",
      "permission-denied",
      "revoked",
      "consent-refused",
      "invite-invalid",
    ] as const)
      expect(STATUS_OF_CODE[code].retryable, code).to.equal(false);
  });

  it("carries code, message and remedy there and back", () => {
    const text = fc.string({ unit: "binary", maxLength: 200 });
    fc.assert(
      fc.property(fc.constantFrom(...ERROR_CODES), text, text, (code, message, remedy) => {
        const details = encodeStatusDetails(new DrawbridgeError(code, message, { remedy }));
        expect(fromBinary(StatusSchema, details).code).to.equal(STATUS_OF_CODE[code].status);
        const error = decodeStatusDetails(details);
        expect(error).to.include({ code, message, remedy });
      }),
    );
  });

  it("becomes internal where the code is from a newer contract", () => {
    const refusal = create(RefusalSchema, { code: "from-the-future", message: "new" });
    const details = toBinary(StatusSchema, create(StatusSchema, { details: [anyPack(RefusalSchema, refusal)] }));
    expect(decodeStatusDetails(details)).to.include({ code: "internal", message: "new" });
  });

  it("finds our detail among others", () => {
    const ours = anyPack(RefusalSchema, create(RefusalSchema, { code: "revoked", message: "gone" }));
    const other = { typeUrl: "type.googleapis.com/google.rpc.DebugInfo", value: new Uint8Array([1, 2, 3]) };
    const status = create(StatusSchema, { details: [other, ours] });
    expect(decodeStatusDetails(toBinary(StatusSchema, status))?.code).to.equal("revoked");
  });

  it("says nothing where the details are missing, empty or malformed, whatever they hold", () => {
    expect(decodeStatusDetails(undefined)).to.equal(undefined);
    expect(decodeStatusDetails(new Uint8Array())).to.equal(undefined);
    const broken = { typeUrl: "type.googleapis.com/drawbridge.v1.Refusal", value: new Uint8Array([0xff]) };
    const status = toBinary(StatusSchema, create(StatusSchema, { details: [broken] }));
    expect(decodeStatusDetails(status)).to.equal(undefined);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const error = decodeStatusDetails(bytes);
        expect(error === undefined || error instanceof DrawbridgeError).to.equal(true);
      }),
    );
  });
});
