import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect, type TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { toBinary, create } from "@bufbuild/protobuf";
import { EndSessionRequestSchema } from "@drawbridge/gen/drawbridge/v1/admin";
import { expect } from "chai";
import fc from "fast-check";
import { until } from "../../support/dataplane-rendezvous.ts";
import { RpcBench, type TestImplementation } from "./rpc-bench.ts";

const echo: TestImplementation = {
  unary: ({ sessionId }) => Promise.resolve({ event: sessionId }),
  async *serverStream() {},
  async clientStream(requests) {
    let count = 0;
    for await (const { sessionId } of requests) count += sessionId.length;
    return { event: String(count) };
  },
  async *bidi(requests) {
    for await (const { sessionId } of requests) yield { event: sessionId };
  },
};

/** A gRPC message as it travels: a flag, a length, the bytes. */
function framed(bytes: Uint8Array, compressed = false, declared = bytes.length): Buffer {
  const header = Buffer.alloc(5);
  header[0] = compressed ? 1 : 0;
  header.writeUInt32BE(declared, 1);
  return Buffer.concat([header, bytes]);
}

const headersFor = (call: string, extra = {}) => ({
  ":method": "POST",
  ":path": `/drawbridge.test.Test/${call}`,
  "content-type": "application/grpc",
  te: "trailers",
  ...extra,
});

/** The gRPC status that a stream ends with, wherever it stands. */
async function statusOf(stream: ClientHttp2Stream): Promise<string> {
  const status = Promise.withResolvers<string>();
  const look = (headers: IncomingHttpHeaders): void => {
    const found = headers["grpc-status"];
    if (typeof found === "string") status.resolve(found);
  };
  stream
    .on("response", look)
    .on("trailers", look)
    .on("error", () => {})
    .resume();
  stream.on("close", () => status.resolve(`reset ${stream.rstCode}`));
  return status.promise;
}

const RESOURCE_EXHAUSTED = "8";
const memory = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

describe("RPC server and hostile peers", () => {
  let bench: RpcBench;
  let session: ClientHttp2Session;
  beforeEach(async () => {
    bench = await RpcBench.start(echo);
    session = connectHttp2(`https://127.0.0.1:${bench.port}`, { rejectUnauthorized: false });
    session.on("error", () => {});
    await once(session, "connect");
  });
  afterEach(async () => {
    session.destroy();
    await bench[Symbol.asyncDispose]();
  });

  const expectAlive = async (): Promise<void> => {
    expect((await bench.client().unary({ sessionId: "alive" })).event).to.equal("alive");
  };

  it("PEERS security 2: refuses a message of more than 64 KiB by its declared length, before it has come", async () => {
    const stream = session.request(headersFor("Unary"));
    const status = statusOf(stream);
    stream.write(framed(new Uint8Array(10), false, 64 * 1024 + 1));
    expect(await status).to.equal(RESOURCE_EXHAUSTED);
    await expectAlive();
  });

  it("refuses a declared length of 4 GiB, in a stream too", async () => {
    const stream = session.request(headersFor("ClientStream"));
    const status = statusOf(stream);
    stream.write(framed(new Uint8Array(10), false, 0xffff_ffff));
    expect(await status).to.equal(RESOURCE_EXHAUSTED);
    await expectAlive();
  });

  it("takes a compressed message whose content is small", async () => {
    const message = toBinary(EndSessionRequestSchema, create(EndSessionRequestSchema, { sessionId: "a" }));
    const stream = session.request(headersFor("Unary", { "grpc-encoding": "gzip" }));
    const status = statusOf(stream);
    stream.end(framed(gzipSync(message), true));
    expect(await status).to.equal("0");
  });

  for (const call of ["Unary", "ClientStream"]) {
    it(`PEERS security 2: stops inflating a compressed bomb at the limit (${call})`, async () => {
      const bomb = framed(gzipSync(Buffer.alloc(60 * 1024 * 1024)), true);
      expect(bomb.length).to.be.lessThan(64 * 1024);
      const before = memory();
      const stream = session.request(headersFor(call, { "grpc-encoding": "gzip" }));
      const status = statusOf(stream);
      stream.end(bomb);
      expect(await status).to.equal(RESOURCE_EXHAUSTED);
      expect(memory() - before).to.be.lessThan(20 * 1024 * 1024);
      await expectAlive();
    });
  }

  it("PEERS security 3: outlives streams that are reset at once, by the thousand", async () => {
    for (let round = 0; round < 10; round += 1) {
      const streams = Array.from({ length: 100 }, () => session.request(headersFor("Bidi")).on("error", () => {}));
      for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
      await until(() => session.destroyed || streams.every((stream) => stream.closed));
      if (session.destroyed) break; // the server may well cut such a peer off
    }
    await expectAlive();
  });

  it("outlives malformed HTTP/2 frames", async () => {
    const frame = fc
      .record({ type: fc.nat(255), flags: fc.nat(255), stream: fc.nat(5), payload: fc.uint8Array({ maxLength: 60 }) })
      .map(({ type, flags, stream, payload }) => {
        const header = Buffer.alloc(9);
        header.writeUIntBE(payload.length, 0, 3);
        header[3] = type > 12 ? type : type % 10;
        header[4] = flags;
        header.writeUInt32BE(stream, 5);
        return Buffer.concat([header, payload]);
      });
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 20 }), async (frames) => {
        const socket = await dialTls(bench.port);
        socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings, ...frames]));
        socket.end();
        await closed(socket);
      }),
      { numRuns: 100 },
    );
    await expectAlive();
  });

  it("PEERS security 3: outlives malformed header blocks and bytes that are no HTTP/2 at all", async () => {
    const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const badHeaders = Buffer.from([0, 0, 4, 1, 5, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]); // an index that is not there
    const torn = badHeaders.subarray(0, 11);
    for (const bytes of [Buffer.alloc(100, 0xff), Buffer.from("GET / HTTP/1.1\r\n\r\n"), badHeaders, torn]) {
      const socket = await dialTls(bench.port);
      socket.write(Buffer.concat([preface, Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), bytes]));
      socket.end();
      await closed(socket);
    }
    await expectAlive();
  });

  it("answers a message that is no protobuf with an error", async () => {
    const stream = session.request(headersFor("Unary"));
    const status = statusOf(stream);
    stream.end(framed(Buffer.from([0xff, 0xff, 0xff])));
    expect(await status).not.to.equal("0");
    await expectAlive();
  });
});

async function dialTls(port: number): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ALPNProtocols: ["h2"], rejectUnauthorized: false });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  return socket;
}

/** Resolves once the socket is closed; reads what comes until then. */
async function closed(socket: TLSSocket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}
