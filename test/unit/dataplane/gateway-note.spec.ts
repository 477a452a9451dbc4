import { encodeProxyHeader, type GatewayNote, type ProxyHeader, ProxyHeaderReader } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";
import { encodeGatewayNote, readGatewayNote } from "../../../packages/dataplane/src/gateway-note.ts";

const INSTANCE = "000102030405060708090a0b0c0d0e0f";
/** As docs/PROTOCOL.md has it: the type, the length, "DBG1", the instance, and 600,000 ms. */
const GOLDEN = `e4001444424731${INSTANCE}`;
const GOLDEN_DRAINING = `e4001844424731${INSTANCE}000927c0`;

const IPV4 = { source: { host: "203.0.113.7", port: 50_000 }, destination: { host: "192.0.2.1", port: 443 } };
const IPV6 = { source: { host: "2001:db8::7", port: 50_000 }, destination: { host: "2001:db8::1", port: 443 } };

function headerOf(bytes: Buffer): ProxyHeader | undefined {
  const progress = new ProxyHeaderReader().push(bytes);
  return progress.state === "complete" ? progress.header : undefined;
}

describe("a gateway's note", () => {
  it("is written and read as documented", () => {
    expect(encodeGatewayNote({ instance: INSTANCE }).toString("hex")).to.equal(GOLDEN);
    expect(encodeGatewayNote({ instance: INSTANCE, drainingMs: 600_000 }).toString("hex")).to.equal(GOLDEN_DRAINING);
    expect(readGatewayNote(Buffer.from(GOLDEN, "hex"))).to.deep.equal({ instance: INSTANCE });
    expect(readGatewayNote(Buffer.from(GOLDEN_DRAINING, "hex"))).to.deep.equal({
      instance: INSTANCE,
      drainingMs: 600_000,
    });
  });

  it("travels in every PROXY header, whatever else it says", () => {
    const note: GatewayNote = { instance: INSTANCE, drainingMs: 1 };
    for (const connection of [IPV4, IPV6]) {
      const header = headerOf(encodeProxyHeader(connection, note));
      expect(header).to.deep.equal({ kind: "proxied", connection, gateway: note });
    }
    expect(headerOf(encodeProxyHeader(undefined, note))).to.deep.equal({ kind: "local", gateway: note });
    const mixed = { source: IPV4.source, destination: IPV6.destination };
    expect(headerOf(encodeProxyHeader(mixed, note))).to.deep.equal({ kind: "unknown", gateway: note });
  });

  it("is found behind the fields of others, and one of another kind with its type is none", () => {
    const [foreign, unique] = [Buffer.from("e4000101", "hex"), Buffer.from("050003616263", "hex")];
    expect(readGatewayNote(Buffer.concat([foreign, unique, Buffer.from(GOLDEN, "hex")]))).to.deep.equal({
      instance: INSTANCE,
    });
    expect(readGatewayNote(Buffer.concat([foreign, unique]))).to.equal(undefined);
    expect(readGatewayNote(Buffer.from(`e40014${"41".repeat(20)}`, "hex"))).to.equal(undefined);
  });

  it("comes back as it was written, also with what a later version may add; and no bytes make the reader fail", () => {
    const instance = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("hex"));
    const draining = fc.option(fc.nat(2 ** 32 - 1), { nil: undefined });
    fc.assert(
      fc.property(instance, draining, fc.uint8Array({ maxLength: 30 }), (name, drainingMs, rest) => {
        const note = { instance: name, ...(drainingMs !== undefined && { drainingMs }) };
        expect(readGatewayNote(encodeGatewayNote(note))).to.deep.equal(note);
        readGatewayNote(Buffer.from(rest));
        const longer = Buffer.concat([encodeGatewayNote({ instance: name, drainingMs: 7 }), Buffer.from(rest)]);
        longer.writeUInt16BE(24 + rest.length, 1);
        expect(readGatewayNote(longer)).to.deep.equal({ instance: name, drainingMs: 7 });
      }),
    );
  });
});
