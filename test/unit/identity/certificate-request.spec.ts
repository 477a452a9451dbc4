import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  createCertificateRequest,
  exportSpki,
  generateKeyPairP256,
  MAX_CERTIFICATE_REQUEST_BYTES,
  publicKeyOfRequest,
} from "@drawbridge/control/identity";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";
import { thrown } from "./thrown.ts";
import { foreignRequest } from "./x509-forge.ts";

describe("certificate request", () => {
  let request: Buffer;
  let publicKey: KeyObject;

  before(async () => {
    const keyPair = await generateKeyPairP256();
    publicKey = keyPair.publicKey;
    request = await createCertificateRequest(keyPair);
  });

  it("yields the public key that it was made for", async () => {
    expect(exportSpki(await publicKeyOfRequest(request)).equals(exportSpki(publicKey))).to.equal(true);
  });

  it("is within the contract's limits", () => {
    expect(request.length).to.be.within(64, MAX_CERTIFICATE_REQUEST_BYTES);
  });

  // A few bits of the DER around the signed part and the signature say nothing, and the parser is not strict on them.
  it("is refused with any one byte changed, or else it yields the very same key", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(request.length - 1), fc.integer({ min: 1, max: 255 }), async (index, flip) => {
        const changed = Buffer.from(request);
        changed[index]! ^= flip;
        const outcome = await publicKeyOfRequest(changed).catch((error: unknown) => error);
        if (outcome instanceof DrawbridgeError) expect(outcome.code).to.equal("certificate-invalid");
        else expect(outcome).to.satisfy((key: KeyObject) => key.equals(publicKey));
      }),
      { numRuns: 300 },
    );
  });

  it("is refused with any one byte of the signed part changed", async () => {
    // The signed part: from the fourth byte on, as long as its own header says.
    const end = 5 + request[4]!;
    for (let index = 3; index < end; index += 1) {
      const changed = Buffer.from(request);
      changed[index]! ^= 1;
      expect((await thrown(() => publicKeyOfRequest(changed))).code).to.equal("certificate-invalid");
    }
  });

  it("is refused when signed by another key than its own", async () => {
    const mallory = await generateKeyPairP256();
    const stolen = await foreignRequest({ publicKey, privateKey: mallory.privateKey }, "P-256");
    expect((await thrown(() => publicKeyOfRequest(stolen))).message).to.contain("not signed by its own key");
  });

  for (const namedCurve of ["P-384", "P-521"] as const) {
    it(`is refused for a key on ${namedCurve}`, async () => {
      const error = await thrown(async () =>
        publicKeyOfRequest(await foreignRequest(generateKeyPairSync("ec", { namedCurve }), namedCurve)),
      );
      expect(error.message).to.contain("not an ECDSA key on P-256");
    });
  }

  it("is refused when larger than 4 KiB, or nothing but rubbish", async () => {
    const nested = Buffer.alloc(4096, 0x30);
    const indefinite = Buffer.alloc(4096, Buffer.from([0x30, 0x80]));
    for (const der of [Buffer.alloc(4097), Buffer.alloc(0), nested, indefinite, Buffer.from("hello")]) {
      expect((await thrown(() => publicKeyOfRequest(der))).code).to.equal("certificate-invalid");
    }
  });

  it("is refused, not crashed on, whatever the bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await thrown(() => publicKeyOfRequest(bytes))).code).to.equal("certificate-invalid");
      }),
    );
  });
});
