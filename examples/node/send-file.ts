/**
 * An operator's program: sends a file to a tenant's target, and prints what the target answers.
 *
 *   drawbridge operator enroll CODE --home HOME                            once
 *   node examples/node/send-file.ts HOME TENANT TARGET FILE [TICKET]
 */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { connectTenant } from "@drawbridge/control/remote";

const [home, tenant, target, file, ticket = ""] = process.argv.slice(2);
if (home === undefined || tenant === undefined || target === undefined || file === undefined) {
  throw new Error("usage: send-file.ts HOME TENANT TARGET FILE [TICKET]");
}

try {
  await using connection = await connectTenant({
    home: join(home, "operator"),
    tenant,
    target,
    ticket,
    reason: "sends a file",
    onPending: () => console.error("the tenant is asked"),
    signal: AbortSignal.timeout(60_000),
  });
  // Ends this direction only: the answer comes the other way.
  const sent = pipeline(createReadStream(file), connection, { end: true });
  const answer: Buffer[] = [];
  for await (const chunk of connection) answer.push(chunk as Buffer);
  await sent;
  process.stdout.write(Buffer.concat(answer));
} catch (error) {
  if (!(error instanceof DrawbridgeError)) throw error;
  console.error(`${error.code}: ${error.message}. ${error.remedy}`);
  process.exitCode = 1;
}
