import { connect } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import { RIGHTS } from "@drawbridge/control/cloud";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { expect } from "chai";
import fc from "fast-check";
import { CONTRACT } from "../../../packages/control/src/cloud/services/contract.ts";
import { until } from "../../support/dataplane-rendezvous.ts";
import { CloudBench } from "../control/cloud-bench.ts";
import { encodedMessage } from "./message-arbitrary.ts";
import { grpcFrame, RawCaller } from "./raw-calls.ts";

const METHODS: readonly DescMethod[] = CONTRACT.flatMap((service) => service.methods);
const DEADLINE_EXCEEDED = 4;
const OK = 0;
/** Bounded: in runs, and in time for machines that are slow. */
const BOUNDS = { numRuns: 40, interruptAfterTimeLimit: 12_000, markInterruptAsFailure: true };

const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;
const streamsAnswers = ({ methodKind }: DescMethod): boolean => /^(server|bidi)_streaming$/.test(methodKind);

/** Of both ends, which are in one process here. */
const openSockets = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCPSocket")).length;

describe("whatever bytes come in over the public port (PEERS security 3)", () => {
  let bench: CloudBench;
  let acme: EnrolledIdentity;
  let admin: EnrolledIdentity;

  before(async () => {
    bench = await CloudBench.start();
    acme = await bench.enrolTenant("acme");
    admin = await bench.enrolOperator("root", "admin");
  });

  after(() => bench[Symbol.asyncDispose]());

  afterEach("it still serves, nothing is left open, and nothing failed that nobody foresaw", async () => {
    const tenant = await bench.tenant(acme);
    const operator = bench.operator(admin);
    const { sessionId } = await tenant.next("sessionOffer");
    tenant.accept(sessionId);
    await operator.next("opened");
    operator.goodbye();
    await operator.next("ended");
    tenant.cut();
    expect(bench.logged("error")).to.deep.equal([]);
  });

  const callerOf = (method: DescMethod): EnrolledIdentity => (RIGHTS[pathOf(method)] === "tenant" ? acme : admin);

  for (const method of METHODS) {
    it(`${method.parent.name}.${method.name} outlives arbitrary bytes and messages of its shape with any values`, async () => {
      const before = openSockets();
      const anything = fc.oneof(
        fc.uint8Array({ maxLength: 3_000 }),
        fc.uint8Array({ maxLength: 3_000 }).map(grpcFrame),
        encodedMessage(method.input).map(grpcFrame),
        fc.array(encodedMessage(method.input).map(grpcFrame), { maxLength: 4 }).map((frames) => Buffer.concat(frames)),
      );
      {
        await using caller = await RawCaller.connect(bench.address, callerOf(method));
        const property = fc.asyncProperty(anything, async (body) => {
          const { grpcStatus } = await caller.call(pathOf(method), body, streamsAnswers(method));
          if (!streamsAnswers(method)) expect(grpcStatus).to.be.a("number").and.not.equal(DEADLINE_EXCEEDED);
        });
        await fc.assert(property, BOUNDS);
      }
      await until(() => openSockets() <= before);
    });
  }

  it("PEERS security 13: no other spelling of a call's path reaches it", async () => {
    await using caller = await RawCaller.connect(bench.address, admin);
    const spellings: ((path: string) => string)[] = [
      (path) => path.toUpperCase(),
      (path) => path.toLowerCase(),
      (path) => `/${path}`,
      (path) => path.replace("/", "//"),
      (path) => path.replaceAll("/", "%2F"),
      (path) => path.replace(/\/(?=[^/]+$)/, "%2f"),
      (path) => path.replace(/.$/, (last) => `%${last.charCodeAt(0).toString(16)}`),
      (path) => `${path}/`,
      (path) => `${path}?x=1`,
      (path) => `${path}#x`,
      (path) => `${path};x`,
      (path) => `${path} `,
      (path) => `/x/..${path}`,
      (path) => `/.${path}`,
      (path) => path.slice(1),
      (path) => path.replace("drawbridge.v1.", ""),
      (path) => path.replace(/\/(?=[^/]+$)/, "/./"),
      (path) => path.replace(/\/(?=[^/]+$)/, "\\"),
    ];
    for (const spell of spellings) {
      const path = spell("/drawbridge.v1.AdminService/ListTenants");
      const { grpcStatus } = await caller.call(path, grpcFrame(new Uint8Array()), false);
      expect(grpcStatus, path).to.not.equal(OK);
    }
    const { grpcStatus } = await caller.call(
      "/drawbridge.v1.AdminService/ListTenants",
      grpcFrame(new Uint8Array()),
      false,
    );
    expect(grpcStatus).to.equal(OK);
  });

  it("arbitrary paths are refused", async () => {
    const before = openSockets();
    // Takes its time on its first use, and the server, which is in this process, would give up the handshake meanwhile.
    const paths = fc.webPath();
    fc.sample(paths, 1);
    {
      await using caller = await RawCaller.connect(bench.address, admin);
      const property = fc.asyncProperty(paths, fc.uint8Array({ maxLength: 100 }), async (path, body) => {
        const { grpcStatus } = await caller.call(path === "" ? "/" : path, body, false);
        expect(grpcStatus).to.be.a("number").and.not.equal(OK).and.not.equal(DEADLINE_EXCEEDED);
      });
      await fc.assert(property, BOUNDS);
    }
    await until(() => openSockets() <= before);
  });

  it("a leg of arbitrary bytes, in pieces of any size, is closed without a word", async () => {
    const before = openSockets();
    const bytes = fc.uint8Array({ maxLength: 1_500 });
    const length = fc.integer({ min: 0, max: 2_000 }).map((value) => Buffer.from([value >> 8, value & 0xff]));
    const preface = fc.tuple(length, bytes).map(([size, rest]) => Buffer.concat([Buffer.from("DBR1"), size, rest]));
    const token = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const unknown = token.map((value) => Buffer.concat([Buffer.from("DBR1\0\x22\x0a\x20", "latin1"), value]));
    const pieces = fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 8 });
    const property = fc.asyncProperty(fc.oneof(bytes, preface, unknown), pieces, async (leg, sizes) => {
      expect(await answerTo(Buffer.from(leg), sizes)).to.have.length(0);
    });
    await fc.assert(property, { numRuns: 300, interruptAfterTimeLimit: 6_000 });
    await until(() => openSockets() <= before);
  });

  it("PEERS security 14: a PROXY header is refused, from loopback too: nobody may say that he is somebody else", async () => {
    const text = Buffer.from("PROXY TCP4 203.0.113.7 192.0.2.1 50000 443\r\n");
    const binary = Buffer.from("0d0a0d0a000d0a515549540a2111000cc0000201c6336401c3500bb8", "hex");
    for (const header of [text, binary]) expect(await answerTo(header, [header.length])).to.have.length(0);
    expect(bench.logged("debug").filter((line) => line.includes("neither TLS nor a preface"))).to.have.length.at.least(
      2,
    );
  });

  /** What comes back on a connection that sends these bytes, cut in pieces, and then ends. */
  async function answerTo(leg: Buffer, sizes: readonly number[]): Promise<Buffer> {
    const received: Buffer[] = [];
    const socket = connect({ host: "127.0.0.1", port: bench.port, noDelay: true });
    socket.on("error", () => {}).on("data", (chunk: Buffer) => received.push(chunk));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    for (let at = 0, piece = 0; at < leg.length && !socket.destroyed; piece += 1) {
      const size = sizes[piece % sizes.length] ?? 1;
      await new Promise((resolve) => socket.write(leg.subarray(at, at + size), resolve));
      at += size;
    }
    socket.end();
    await closed;
    // A TLS record makes the TLS server answer with an alert; a leg never gets a byte.
    return leg[0] === 0x16 ? Buffer.alloc(0) : Buffer.concat(received);
  }
});
