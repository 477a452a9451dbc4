import { DrawbridgeError } from "@drawbridge/dataplane";
import { certificateKeyFingerprint, principalOfCertificate } from "../identity/index.ts";
import type { Authorize } from "../rpc/server-middleware.ts";
import type { Store } from "../store/index.ts";
import type { Caller } from "./rights.ts";
import { checkRight } from "./rights.ts";

/**
 * Tells who a caller is, from its verified certificate and the store, and whether it may make the call.
 *
 * A certificate counts only while its key is the one that its principal last enrolled with and the principal is not
 * revoked. So there is no revocation list to distribute, and an enrolment anew takes the old key's access away.
 */
export function createAuthorizer(store: Store, provider: string): Authorize<Caller> {
  return async (path, certificate) => {
    const caller =
      certificate === undefined ? ({ kind: "anonymous" } as const) : await identify(store, provider, certificate);
    checkRight(path, caller);
    return caller;
  };
}

async function identify(store: Store, provider: string, certificate: Buffer): Promise<Caller> {
  const { kind, name, provider: issuer } = principalOfCertificate(certificate);
  const keyFingerprint = certificateKeyFingerprint(certificate);
  const record = issuer === provider ? await store.principals.find(kind, name) : undefined;
  if (record === undefined || record.state === "revoked")
    throw refused("revoked", `the access of ${kind} ${name} was revoked`);
  if (record.keyFingerprint !== keyFingerprint) {
    throw refused("revoked", `${kind} ${name} has enrolled anew since this certificate was made`);
  }
  if (record.kind === "tenant") return { kind: "tenant", name, keyFingerprint };
  const { role, groups } = record;
  return { kind: "operator", name, role, groups, keyFingerprint };
}

const refused = (code: "revoked", message: string): DrawbridgeError =>
  new DrawbridgeError(code, message, { remedy: "Ask the provider for a new invite code." });
