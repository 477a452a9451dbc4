import { formatAddress, parseAddress } from "@drawbridge/dataplane";
import { expect } from "chai";

describe("address", () => {
  it("reads names, IPv4 and bracketed IPv6, and writes them the same way", () => {
    const cases: [string, string, number][] = [
      ["desk.example:3389", "desk.example", 3389],
      ["127.0.0.1:0", "127.0.0.1", 0],
      ["[::1]:65535", "::1", 65535],
      ["[fe80::1%eth0]:1", "fe80::1%eth0", 1],
    ];
    for (const [text, host, port] of cases) {
      expect(parseAddress(text)).to.deep.equal({ host, port });
      expect(formatAddress({ host, port })).to.equal(text);
    }
  });

  it("takes the default port only where the text names none", () => {
    expect(parseAddress("host", { defaultPort: 7 })).to.deep.equal({ host: "host", port: 7 });
    expect(parseAddress("[::1]", { defaultPort: 7 })).to.deep.equal({ host: "::1", port: 7 });
    expect(parseAddress("host:8", { defaultPort: 7 })).to.deep.equal({ host: "host", port: 8 });
  });

  for (const text of [
    "",
    "host",
    ":1",
    "host:",
    "host:65536",
    "host:-1",
    "host:1x",
    "::1:1",
    "[::1:1",
    "[::1]1",
    "[nope]:1",
    "a b:1",
    "h/x:1",
    "https://host:1",
  ]) {
    it(`refuses "${text}" and says what to write`, () => {
      expect(() => parseAddress(text))
        .to.throw()
        .with.property("code", "invalid-argument");
    });
  }
});
