import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { expect } from "chai";
import { until } from "../../support/dataplane-rendezvous.ts";
import { RpcBench, type TestImplementation } from "./rpc-bench.ts";

/** An EndSessionRequest with the session id `a`, as gRPC frames it. */
const REQUEST = Buffer.from("00000000030a0161", "hex");
const MESSAGE = { detailsJson: "x".repeat(16 * 1024) };
/** More than HTTP/2's window and all buffers on the way hold. */
const MESSAGES = 1_000;

describe("RPC server and a peer that answers pings but never reads", () => {
  let bench: RpcBench;
  let session: ClientHttp2Session;
  let running: number;

  const talkative: TestImplementation = {
    unary: ({ sessionId }) => Promise.resolve({ event: sessionId }),
    async *serverStream() {
      running += 1;
      try {
        for (let count = 0; count < MESSAGES; count += 1) {
          await Promise.resolve();
          yield MESSAGE;
        }
      } finally {
        running -= 1;
      }
    },
    clientStream: () => Promise.resolve({}),
    async *bidi() {},
  };

  async function start(writeDeadlineMs: number): Promise<void> {
    running = 0;
    bench = await RpcBench.start(talkative, { writeDeadlineMs });
    session = connect(`https://127.0.0.1:${bench.port}`, { rejectUnauthorized: false });
    session.on("error", () => {});
    await once(session, "connect");
  }

  afterEach(async () => {
    session.destroy();
    await bench[Symbol.asyncDispose]();
  });

  /** A call whose answers nobody reads. */
  function unread(): ClientHttp2Stream {
    const path = "/drawbridge.test.Test/ServerStream";
    const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request(headers).on("error", () => {});
    stream.end(REQUEST);
    return stream;
  }

  it("closes its connection at the write deadline, and its calls are over", async () => {
    await start(300);
    unread();
    await until(() => running === 1);
    const pinged = new Promise((resolve) => session.ping(() => resolve(true)));
    expect(await pinged).to.equal(true);
    await once(session, "close");
    await until(() => running === 0);
  });

  it("leaves the connection of one that reads, however long it takes in all", async () => {
    await start(300);
    const stream = unread();
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes < 4_000_000) return;
      bytes = 0;
      stream.pause();
      setTimeout(() => stream.resume(), 100);
    });
    await once(stream, "close");
    expect(session.destroyed).to.equal(false);
    await until(() => running === 0);
  });

  it("leaves the connection of one that cancels what it does not want to read", async () => {
    await start(100);
    const stream = unread();
    await until(() => running === 1);
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => running === 0);
    const later = new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.race([later, once(session, "close")]);
    expect(session.destroyed).to.equal(false);
  });
});
