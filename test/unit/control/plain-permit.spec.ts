import { generateKeyPairSync, randomBytes } from "node:crypto";
import { exportPrivateKeyPem, fingerprintHex, keyFingerprint, type KeyPair } from "@drawbridge/control/identity";
import { expect } from "chai";
import fc from "fast-check";
import {
  type PlainPermit,
  type PlainTerms,
  signPlainPermit,
  unaskedPermit,
  verifyPlainPermit,
} from "../../../packages/control/src/wire/plain-permit.ts";
import { thrown } from "../identity/thrown.ts";

const keyPair = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const tenant = keyPair();
const pinned = fingerprintHex(keyFingerprint(tenant.publicKey));
const TERMS: PlainTerms = { nonce: randomBytes(32), operatorKeyFingerprint: "ab".repeat(32), target: "rdp" };
const permit = signPlainPermit(exportPrivateKeyPem(tenant), TERMS);

const refused = async (changed: Partial<PlainPermit>, terms: Partial<PlainTerms> = {}, pin = pinned): Promise<void> => {
  const error = await thrown(() => verifyPlainPermit({ ...permit, ...changed }, { ...TERMS, ...terms }, pin));
  expect(error.code).to.equal("certificate-invalid");
};

describe("a permit for plain links", () => {
  it("is good for its own nonce, operator's key and target, and the tenant's pinned key", () => {
    verifyPlainPermit(permit, TERMS, pinned);
  });

  it("is refused for another nonce, another operator's key, another target", async () => {
    await refused({}, { nonce: randomBytes(32) });
    await refused({}, { operatorKeyFingerprint: "ac".repeat(32) });
    await refused({}, { target: "ssh" });
    await refused({}, { target: "rdp\0" });
    await refused({}, { target: "" });
  });

  it("is refused where the terms have no nonce or operator's key of the right length, and is not made for such", async () => {
    for (const terms of [{ nonce: new Uint8Array() }, { nonce: randomBytes(31) }, { operatorKeyFingerprint: "" }]) {
      await refused({}, terms);
      await thrown(() => signPlainPermit(exportPrivateKeyPem(tenant), { ...TERMS, ...terms }));
    }
  });

  it("is refused by another key than the pinned one, also where that key comes with a good signature", async () => {
    const other = keyPair();
    await refused(signPlainPermit(exportPrivateKeyPem(other), TERMS));
    await refused({ publicKey: signPlainPermit(exportPrivateKeyPem(other), TERMS).publicKey });
    await refused({}, {}, fingerprintHex(keyFingerprint(other.publicKey)));
    await refused({ signature: signPlainPermit(exportPrivateKeyPem(other), TERMS).signature });
  });

  it("is refused when any byte of it is changed, missing or too many", async () => {
    const part = fc.constantFrom("publicKey" as const, "signature" as const);
    const property = fc.asyncProperty(part, fc.nat(), fc.integer({ min: 1, max: 255 }), async (name, at, mask) => {
      const bytes = Buffer.from(permit[name]);
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ mask;
      await refused({ [name]: bytes });
    });
    await fc.assert(property);
    for (const name of ["publicKey", "signature"] as const) {
      await refused({ [name]: new Uint8Array() });
      await refused({ [name]: permit[name].subarray(1) });
      await refused({ [name]: permit[name].subarray(0, -1) });
      await refused({ [name]: Buffer.concat([permit[name], Buffer.from([0])]) });
    }
  });

  it("is refused with a key of another kind", async () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    await refused({ publicKey: publicKey.export({ type: "spki", format: "der" }) });
  });

  it("is refused where nobody asked for it", () => {
    expect(unaskedPermit()).to.include({ code: "certificate-invalid" });
  });
});
