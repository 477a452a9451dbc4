import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import type { SecureContextOptions } from "node:tls";
import { decodeStatusDetails, STATUS_DETAILS_TRAILER } from "@drawbridge/control/rpc";
import type { ErrorCode } from "@drawbridge/dataplane";

/** How a call was answered. */
export interface RawAnswer {
  /** The code of the refusal in the status details; undefined where there is none. */
  readonly code: ErrorCode | undefined;
  /** What came back before the end; of a stream, its first piece. */
  readonly data: Buffer;
}

/** A connection to a cloud redirector with this certificate, or none. */
export function rawConnection(port: number, identity: SecureContextOptions): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, ...identity });
  return session.on("error", () => {});
}

/** Makes a call with one message, which is framed here. A stream of answers is cancelled after its first. */
export async function rawAnswer(
  session: ClientHttp2Session,
  path: string,
  message: Uint8Array = new Uint8Array(),
): Promise<RawAnswer> {
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(headers);
  const chunks: Buffer[] = [];
  let code: ErrorCode | undefined;
  const look = (fields: IncomingHttpHeaders): void => {
    const details = fields[STATUS_DETAILS_TRAILER];
    if (typeof details === "string") code = decodeStatusDetails(Buffer.from(details, "base64"))?.code;
  };
  stream
    .on("response", look)
    .on("trailers", look)
    .on("error", () => {});
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    stream.close(constants.NGHTTP2_CANCEL);
  });
  const closed = new Promise((resolve) => stream.once("close", resolve));
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([header, message]));
  await closed;
  return { code, data: Buffer.concat(chunks) };
}
