import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import type { EnrolledIdentity } from "@drawbridge/control/identity";

/** How a call ended. */
export interface RawEnd {
  /** The HTTP status, if there was an answer. */
  readonly httpStatus: number | undefined;
  /** The gRPC status, if there was one. */
  readonly grpcStatus: number | undefined;
}

/** So that a call that the server forgets ends too, and shows: as DEADLINE_EXCEEDED. A stream may rightly wait for more. */
const TIMEOUTS = { answer: "5S", stream: "100m" } as const;

/** A message as gRPC frames it: not compressed, with its length. */
export function grpcFrame(message: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** A gRPC client that sends whatever bytes to whatever path. */
export class RawCaller implements AsyncDisposable {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async connect(address: string, identity: EnrolledIdentity): Promise<RawCaller> {
    const session = connect(`https://${address}`, {
      key: identity.privateKey,
      cert: identity.certificate,
      ca: identity.certificateAuthorities,
      checkServerIdentity: () => undefined,
    });
    await once(session, "connect");
    session.on("error", () => {});
    return new RawCaller(session);
  }

  /** Makes a call. One that streams answers is cancelled at its first. */
  async call(path: string, body: Uint8Array, streams: boolean): Promise<RawEnd> {
    const timeout = streams ? TIMEOUTS.stream : TIMEOUTS.answer;
    const headers = { ":path": path, "content-type": "application/grpc", te: "trailers", "grpc-timeout": timeout };
    const stream = this.#session.request({ ":method": "POST", ...headers });
    const end: { httpStatus?: number; grpcStatus?: number } = {};
    const keep = (fields: Record<string, unknown>): void => {
      if (fields[":status"] !== undefined) end.httpStatus = Number(fields[":status"]);
      if (fields["grpc-status"] !== undefined) end.grpcStatus = Number(fields["grpc-status"]);
    };
    stream
      .on("error", () => {})
      .on("response", keep)
      .on("trailers", keep);
    stream.on("data", () => streams && stream.close(constants.NGHTTP2_CANCEL));
    const closed = new Promise((resolve) => stream.once("close", resolve));
    stream.end(body);
    await closed;
    return { httpStatus: end.httpStatus, grpcStatus: end.grpcStatus };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#session.destroyed ? undefined : once(this.#session, "close");
    this.#session.destroy();
    await closed;
  }
}
