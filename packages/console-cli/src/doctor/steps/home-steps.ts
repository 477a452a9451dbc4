import { formatFingerprint, loadIdentity, type EnrolledIdentity } from "@drawbridge/control/identity";
import { openTenantHome, type TenantHome } from "@drawbridge/control/tenant";
import type { Step } from "../step.ts";

/** Reads an operator's home. */
export const operatorHomeStep = (path: string): Step<undefined, { identity: EnrolledIdentity }> => ({
  id: "home",
  title: "home",
  timeoutMs: 5_000,
  async check() {
    const identity = await loadIdentity(path, "operator");
    return { outcome: "ok", ...about(identity), value: { identity } };
  },
});

/** Reads a tenant's home. */
export const tenantHomeStep = (path: string): Step<undefined, TenantHome> => ({
  id: "home",
  title: "home",
  timeoutMs: 5_000,
  async check() {
    const home = await openTenantHome(path);
    return { outcome: "ok", ...about(home.identity), value: home };
  },
});

function about({ kind, name, provider, keyFingerprint }: EnrolledIdentity) {
  const fingerprint = formatFingerprint(Buffer.from(keyFingerprint, "hex"));
  return { text: `${kind} ${name} of ${provider}, key ${fingerprint}`, details: { name, provider, fingerprint } };
}
