import { createHash } from "node:crypto";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { certificateFacts, type Principal, principalOfCertificate } from "../identity/index.ts";
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
  const named = new NamedByCertificate();
  return async (path, certificate) => {
    const caller =
      certificate === undefined
        ? ({ kind: "anonymous" } as const)
        : await identify(store, provider, named.by(certificate));
    checkRight(path, caller);
    return caller;
  };
}

/** What a certificate says: whom it names, and for which key. */
interface Named {
  readonly principal: Principal;
  readonly keyFingerprint: string;
}

/** How many certificates are remembered: as many as there may be tenants, and some operators. */
const MOST_CERTIFICATES = 12_288;

/**
 * Reads certificates, each once: it takes half a millisecond, and every call brings one. What is remembered is what the
 * bytes say, not whether they count: that is asked of the store each time.
 */
class NamedByCertificate {
  readonly #known = new Map<string, Named>();

  by(certificate: Buffer): Named {
    const id = createHash("sha256").update(certificate).digest("base64");
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const { keyFingerprint } = certificateFacts(certificate);
    const named = { principal: principalOfCertificate(certificate), keyFingerprint };
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST_CERTIFICATES && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(id, named);
    return named;
  }
}

async function identify(store: Store, provider: string, { principal, keyFingerprint }: Named): Promise<Caller> {
  const { kind, name, provider: issuer } = principal;
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
