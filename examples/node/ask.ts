/**
 * An operator's program that keeps nothing, as a job in a container does: it enrols with an invite code, has its identity in
 * memory only, sends a text to a tenant's target, and prints the answer. It believes one key of the tenant's: KEY, as
 * `drawbridge tenant fingerprint` shows it there.
 *
 *   INVITE_CODE=… node examples/node/ask.ts TENANT KEY TARGET TEXT [TICKET]
 */
import { enrollOperator, connectTenant } from "@drawbridge/control/remote";
import { formatFingerprint } from "@drawbridge/control/identity";
import { DrawbridgeError } from "@drawbridge/dataplane";

const [tenant, key, target, text, ticket] = process.argv.slice(2);
const code = process.env["INVITE_CODE"];
if (code === undefined || tenant === undefined || key === undefined || target === undefined || text === undefined) {
  throw new Error("usage: INVITE_CODE=… ask.ts TENANT KEY TARGET TEXT [TICKET]");
}

async function trustTenantKey(name: string, fingerprint: string): Promise<void> {
  const shown = formatFingerprint(Buffer.from(fingerprint, "hex"));
  if (shown !== key) throw new DrawbridgeError("certificate-invalid", `tenant ${name} has the key ${shown}`);
}

try {
  const identity = await enrollOperator({ code });
  console.error(`enrolled: ${identity.name} of ${identity.provider}`);
  await using connection = await connectTenant({ identity, trustTenantKey, tenant, target, ticket });
  connection.end(text);
  for await (const chunk of connection) process.stdout.write(chunk as Buffer);
} catch (error) {
  if (!(error instanceof DrawbridgeError)) throw error;
  console.error(`${error.code}: ${error.message}. ${error.remedy}`);
  process.exitCode = 1;
}
