import { createHash, generateKeyPairSync } from "node:crypto";
import {
  exportPrivateKeyPem,
  exportSpki,
  fingerprintHex,
  formatFingerprint,
  generateKeyPairP256,
  importPrivateKeyPem,
  importSpkiP256,
  keyFingerprint,
} from "@drawbridge/control/identity";
import { expect } from "chai";
import { thrown } from "./thrown.ts";

describe("key pair", () => {
  it("comes back from its PEM with the same public key", async () => {
    const keyPair = await generateKeyPairP256();
    const pem = exportPrivateKeyPem(keyPair);
    expect(pem).to.match(/^-----BEGIN PRIVATE KEY-----\n/);
    const again = importPrivateKeyPem(pem);
    expect(exportSpki(again.publicKey).equals(exportSpki(keyPair.publicKey))).to.equal(true);
  });

  it("refuses keys that are not on P-256, and texts that are no keys", async () => {
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export({ type: "pkcs8", format: "pem" });
    const ed25519 = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    for (const pem of [p384, ed25519, "", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]) {
      const error = await thrown(() => importPrivateKeyPem(pem, "/home/ann/key.pem"));
      expect(error.code).to.equal("home-invalid");
      expect(error.message).to.contain("/home/ann/key.pem");
    }
  });

  it("accepts one encoding of a public key only, so that a key has one fingerprint", async () => {
    const spki = exportSpki((await generateKeyPairP256()).publicKey);
    expect(exportSpki(importSpkiP256(spki)).equals(spki)).to.equal(true);
    const followed = Buffer.concat([spki, Buffer.alloc(1)]);
    // The same point compressed: RFC 5480 section 2.2, SEC 1 section 2.3.3.
    const point = spki.subarray(-64);
    const algorithm = spki.subarray(2, 23);
    const parity = (point[63]! & 1) + 2;
    const bits = Buffer.concat([Buffer.from([0x03, 0x22, 0x00, parity]), point.subarray(0, 32)]);
    const compressed = Buffer.concat([Buffer.from([0x30, algorithm.length + bits.length]), algorithm, bits]);
    for (const der of [followed, compressed, spki.subarray(0, 90), Buffer.alloc(0)]) {
      expect((await thrown(() => importSpkiP256(der))).code).to.equal("certificate-invalid");
    }
  });

  it("has the SHA-256 of its SubjectPublicKeyInfo as fingerprint, printed as ssh does", async () => {
    const { publicKey } = await generateKeyPairP256();
    const expected = createHash("sha256").update(exportSpki(publicKey));
    const fingerprint = keyFingerprint(publicKey);
    expect(fingerprintHex(fingerprint)).to.equal(expected.copy().digest("hex"));
    expect(formatFingerprint(fingerprint)).to.equal(`SHA256:${expected.digest("base64").replace("=", "")}`);
    expect(formatFingerprint(fingerprint)).to.have.length(50);
  });
});
