// @peculiar/x509 resolves its parts through tsyringe, which needs this polyfill to be there before.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { cryptoProvider } from "@peculiar/x509";
import type { KeyPair } from "./key-pair.ts";

/** What signatures are made with everywhere: ECDSA (on P-256) with SHA-256. */
export const SIGNING_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

cryptoProvider.set(webcrypto);

/** The key as the Web Crypto objects that @peculiar/x509 works with. */
export function toCryptoKeyPair(keyPair: KeyPair): webcrypto.CryptoKeyPair {
  return {
    privateKey: keyPair.privateKey.toCryptoKey(SIGNING_ALGORITHM, true, ["sign"]),
    publicKey: keyPair.publicKey.toCryptoKey(SIGNING_ALGORITHM, true, ["verify"]),
  };
}

export * from "@peculiar/x509";
