import { DrawbridgeError, formatGatewayAddress, parseGatewayAddress } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";

describe("gateway address", () => {
  it("is HOST:PORT, whose priority the list tells and whose weight is 1", () => {
    expect(parseGatewayAddress(" gate.example:443 ")).to.deep.equal({
      kind: "place",
      address: "gate.example:443",
      priority: undefined,
      weight: 1,
    });
    expect(parseGatewayAddress("[2001:db8::7]:443")).to.have.property("address", "[2001:db8::7]:443");
  });

  it("may have priority and weight before it, as an SRV record has", () => {
    const entry = { kind: "place", address: "gate.example:443", priority: 10, weight: 0 };
    expect(parseGatewayAddress("10 0 gate.example:443")).to.deep.equal(entry);
    expect(parseGatewayAddress("0 65535 [::1]:8443")).to.include({ priority: 0, weight: 65_535 });
  });

  it("may be a service's name", () => {
    const entry = { kind: "service", name: "_drawbridge._tcp.provider.example" };
    expect(parseGatewayAddress("_Drawbridge._tcp.Provider.example.")).to.deep.equal(entry);
  });

  for (const text of [
    "",
    "gate.example",
    "gate.example:0",
    "gate.example:65536",
    "10 gate.example:443",
    "10 1 2 gate.example:443",
    "65536 1 gate.example:443",
    "1 65536 gate.example:443",
    "-1 1 gate.example:443",
    "1 1 gate.example",
    "_drawbridge.provider.example",
    "_drawbridge._tcp",
    "_drawbridge._quic.provider.example",
    "_drawbridge._tcp.provider..example",
    "1 1 _drawbridge._tcp.provider.example",
    "https://gate.example:443",
    `${"a".repeat(280)}:443`,
  ]) {
    it(`is not ${JSON.stringify(text.slice(0, 40))}`, () => {
      expect(() => parseGatewayAddress(text))
        .to.throw(DrawbridgeError)
        .with.property("code", "invalid-argument");
    });
  }

  it("reads what it writes, and throws nothing but its own error", () => {
    const number = fc.nat(65_535);
    const place = fc.tuple(fc.option(fc.tuple(number, number)), fc.domain(), fc.integer({ min: 1, max: 65_535 }));
    fc.assert(
      fc.property(place, ([numbers, host, port]) => {
        const text = `${numbers === null ? "" : `${numbers.join(" ")} `}${host}:${port}`;
        expect(formatGatewayAddress(parseGatewayAddress(text))).to.equal(text);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const entry = parseGatewayAddress(text);
          expect(parseGatewayAddress(formatGatewayAddress(entry))).to.deep.equal(entry);
        } catch (error) {
          expect(error).to.be.instanceOf(DrawbridgeError);
        }
      }),
    );
  });
});
