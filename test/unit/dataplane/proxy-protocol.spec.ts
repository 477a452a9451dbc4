import {
  DrawbridgeError,
  encodeProxyHeader,
  MAX_PROXY_HEADER_REST_BYTES,
  PROXY_SIGNATURE,
  type ProxiedConnection,
  type ProxyHeader,
  ProxyHeaderReader,
} from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";
import { formatIp } from "../../../packages/dataplane/src/ip-bytes.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const IPV4: ProxiedConnection = {
  source: { host: "203.0.113.7", port: 50_000 },
  destination: { host: "192.0.2.1", port: 443 },
};
const IPV6: ProxiedConnection = {
  source: { host: "2001:db8::7", port: 50_000 },
  destination: { host: "2001:db8::1", port: 443 },
};
/** Put together by hand from the specification's section 2.2. */
const GOLDEN_IPV4 = `${SIGNATURE}2111000ccb007107c0000201c35001bb`;
const GOLDEN_IPV6 = `${SIGNATURE}2121002420010db800000000000000000000000720010db8000000000000000000000001c35001bb`;
const GOLDEN_LOCAL = `${SIGNATURE}20000000`;

const proxied = (connection: ProxiedConnection): ProxyHeader => ({ kind: "proxied", connection });

/** Reads a stream that is cut into chunks of these sizes, the last one repeated. */
function read(
  stream: Buffer,
  sizes: readonly number[] = [stream.length],
): { header: ProxyHeader; rest: Buffer } | undefined {
  const reader = new ProxyHeaderReader();
  for (let at = 0, piece = 0; at < stream.length; piece += 1) {
    const size = sizes[Math.min(piece, sizes.length - 1)] ?? 1;
    const progress = reader.push(stream.subarray(at, at + size));
    at += size;
    if (progress.state === "complete") {
      return { header: progress.header, rest: Buffer.concat([progress.rest, stream.subarray(at)]) };
    }
  }
  return undefined;
}

/** The number of bytes after which a reader that is fed byte by byte gives up; undefined when it never does. */
function givesUpAfter(bytes: Buffer): number | undefined {
  const reader = new ProxyHeaderReader();
  for (const [index, byte] of bytes.entries()) {
    try {
      reader.push(Uint8Array.of(byte));
    } catch (error) {
      expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "protocol-violation");
      return index + 1;
    }
  }
  return undefined;
}

function header(command: number, family: number, rest: Buffer): Buffer {
  const fixed = Buffer.from([...PROXY_SIGNATURE, command, family, rest.length >> 8, rest.length & 0xff]);
  return Buffer.concat([fixed, rest]);
}

const addresses = fc.oneof(fc.constant(4), fc.constant(16)).chain((size) => {
  const end = fc.record({
    host: fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => formatIp(bytes)),
    port: fc.nat(65_535),
  });
  return fc.record({ source: end, destination: end });
});

describe("PROXY protocol, version 2", () => {
  it("writes the specification's bytes", () => {
    expect(encodeProxyHeader(IPV4).toString("hex")).to.equal(GOLDEN_IPV4);
    expect(encodeProxyHeader(IPV6).toString("hex")).to.equal(GOLDEN_IPV6);
    expect(encodeProxyHeader().toString("hex")).to.equal(GOLDEN_LOCAL);
  });

  it("says that the client is unknown where the addresses are not of one family", () => {
    const mixed = { source: IPV4.source, destination: IPV6.destination };
    expect(encodeProxyHeader(mixed).toString("hex")).to.equal(`${SIGNATURE}21000000`);
    expect(read(encodeProxyHeader(mixed))?.header).to.deep.equal({ kind: "unknown" });
  });

  it("reads the specification's bytes", () => {
    expect(read(Buffer.from(GOLDEN_IPV4, "hex"))?.header).to.deep.equal(proxied(IPV4));
    expect(read(Buffer.from(GOLDEN_IPV6, "hex"))?.header).to.deep.equal(proxied(IPV6));
    expect(read(Buffer.from(GOLDEN_LOCAL, "hex"))?.header).to.deep.equal({ kind: "local" });
  });

  it("reads what HAProxy 2.6 sends with a check, and with a unique id and a CRC32c behind the addresses", () => {
    const tlvs = Buffer.from("0300041122334405000361626304000100", "hex");
    const block = Buffer.from(GOLDEN_IPV4, "hex").subarray(16);
    expect(read(header(0x21, 0x11, Buffer.concat([block, tlvs])))?.header).to.deep.equal(proxied(IPV4));
    expect(read(header(0x20, 0x11, block))?.header).to.deep.equal({ kind: "local" });
  });

  it("falls back to an unknown client for Unix sockets, datagrams and unspecified ones", () => {
    for (const family of [0x00, 0x01, 0x02, 0x10, 0x12, 0x20, 0x22, 0x30, 0x31, 0x32]) {
      expect(read(header(0x21, family, Buffer.alloc(216)))?.header, family.toString(16)).to.deep.equal({
        kind: "unknown",
      });
    }
  });

  it("comes to the same however the stream is cut, and leaves every byte that follows", () => {
    const stream = Buffer.concat([Buffer.from(GOLDEN_IPV6, "hex"), Buffer.from("DBR1 and more")]);
    for (let first = 1; first < stream.length; first += 1) {
      for (const sizes of [[first, stream.length], [first, 1], [1]]) {
        expect(read(stream, sizes)).to.deep.equal({ header: proxied(IPV6), rest: Buffer.from("DBR1 and more") });
      }
    }
  });

  it("reads back whatever it writes, whatever TLVs and bytes of the stream follow", () => {
    const tlvs = fc.uint8Array({ maxLength: 1000 });
    const sizes = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(addresses, tlvs, fc.uint8Array({ maxLength: 50 }), sizes, (connection, extra, stream, cuts) => {
        const block = encodeProxyHeader(connection).subarray(13);
        const whole = header(0x21, block[0] ?? 0, Buffer.concat([block.subarray(3), extra]));
        const result = read(Buffer.concat([whole, stream]), cuts);
        expect(result).to.deep.equal({ header: proxied(connection), rest: Buffer.from(stream) });
      }),
    );
  });

  it("gives up at the first byte that cannot be right", () => {
    for (let at = 0; at < 12; at += 1) {
      const wrong = Buffer.from(GOLDEN_IPV4, "hex");
      wrong.writeUInt8(wrong.readUInt8(at) ^ 1, at);
      expect(givesUpAfter(wrong)).to.equal(at + 1);
    }
    expect(givesUpAfter(header(0x11, 0x11, Buffer.alloc(12))), "version 1").to.equal(13);
    expect(givesUpAfter(header(0x31, 0x11, Buffer.alloc(12))), "version 3").to.equal(13);
    expect(givesUpAfter(header(0x22, 0x11, Buffer.alloc(12))), "an unknown command").to.equal(13);
    expect(givesUpAfter(header(0x21, 0x41, Buffer.alloc(12))), "an unknown family").to.equal(14);
    expect(givesUpAfter(header(0x21, 0x13, Buffer.alloc(12))), "an unknown transport").to.equal(14);
    expect(givesUpAfter(Buffer.from("PROXY TCP4 203.0.113.7 192.0.2.1 50000 443\r\n")), "version 1").to.equal(1);
  });

  it("refuses a header that is too short for its addresses", () => {
    expect(givesUpAfter(header(0x21, 0x11, Buffer.alloc(11)))).to.equal(27);
    expect(givesUpAfter(header(0x21, 0x21, Buffer.alloc(35)))).to.equal(51);
  });

  it("takes a header of 2,064 bytes, and refuses a longer one before it comes", () => {
    const longest = header(0x21, 0x11, Buffer.alloc(MAX_PROXY_HEADER_REST_BYTES));
    expect(read(longest)?.header.kind).to.equal("proxied");
    expect(givesUpAfter(header(0x21, 0x11, Buffer.alloc(MAX_PROXY_HEADER_REST_BYTES + 1)))).to.equal(16);
    expect(givesUpAfter(Buffer.from(`${SIGNATURE}2111ffff`, "hex"))).to.equal(15);
  });

  it("outlives any bytes", () => {
    const start = fc.constantFrom(Buffer.alloc(0), PROXY_SIGNATURE, Buffer.from(`${SIGNATURE}21`, "hex"));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 100 }), (begin, end) => {
        givesUpAfter(Buffer.concat([begin, end]));
      }),
      { numRuns: 2000 },
    );
  });
});
