/**
 * A tenant redirector inside of a program of one's own. Its one target, `inbox`, is served by the program itself: what an
 * operator sends is kept as a file, and answered with its size and SHA-256. The program decides on sessions by itself:
 * whoever names no ticket is refused.
 *
 *   INVITE_CODE=… node examples/node/inbox.ts HOME FOLDER      the first time: it enrols itself
 *   node examples/node/inbox.ts HOME FOLDER                    until Ctrl-C
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { closeReasonError } from "@drawbridge/dataplane";
import type { ServedLink, SessionDecision, SessionQuestion } from "@drawbridge/control/tenant";
import { enrollTenant, startTenant } from "@drawbridge/control/tenant";

const [home, folder] = process.argv.slice(2);
if (home === undefined || folder === undefined) throw new Error("usage: inbox.ts HOME FOLDER");

function decide({ operator, ticket }: SessionQuestion): SessionDecision {
  if (ticket === "") return { decision: "refuse", reason: "name a ticket" };
  console.log(`let in: ${operator} for ${ticket}`);
  return { decision: "allow" };
}

async function receive(stream: Duplex, { operator, linkId }: ServedLink, into: string): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  // Left open after the operator's end, so that there can be an answer.
  const sent = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  await pipeline(sent, counted, createWriteStream(join(into, `${linkId}.received`), { mode: 0o600 }));
  const answer = `${bytes} bytes, SHA-256 ${hash.digest("hex")}`;
  stream.end(`${answer}\n`);
  console.log(`received: ${answer} from ${operator}`);
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

const place = join(home, "tenant");
const code = process.env["INVITE_CODE"];
if (code !== undefined) await enrollTenant({ code, home: place });

const tenant = await startTenant({
  home: place,
  targets: {
    inbox: (stream, link) => {
      receive(stream, link, folder).catch((error: unknown) => {
        console.error(`not received: ${String(error)}`);
        stream.destroy();
      });
    },
  },
  policy: "none",
  decide,
  observer: { connected: ({ tenant: name, provider }) => console.log(`connected: ${name} to ${provider}`) },
  signal: stop.signal,
});
const reason = await tenant.closed;
// Where reconnecting is of no use, such as a tenant that was revoked.
if (!stop.signal.aborted) throw closeReasonError(reason);
