import { isWithoutProxy, parseAddress } from "@drawbridge/dataplane";
import { expect } from "chai";

describe("the list of what is dialled without the proxy", () => {
  const cases: readonly (readonly [list: string, address: string, isWithout: boolean])[] = [
    ["", "cloud.example:443", false],
    ["*", "cloud.example:443", true],
    ["example", "cloud.example:443", true],
    ["cloud.example", "cloud.example:443", true],
    ["CLOUD.Example.", "cloud.example:443", true],
    [".example", "cloud.example:443", true],
    [".cloud.example", "cloud.example:443", true],
    ["*.example", "cloud.example:443", true],
    ["oud.example", "cloud.example:443", false],
    ["cloud.example.org", "cloud.example:443", false],
    ["a.example, cloud.example", "cloud.example:443", true],
    ["a.example cloud.example", "cloud.example:443", true],
    ["cloud.example:443", "cloud.example:443", true],
    ["cloud.example:8443", "cloud.example:443", false],
    ["192.0.2.7", "192.0.2.7:443", true],
    ["192.0.2.7:443", "192.0.2.7:443", true],
    ["192.0.2.7:8443", "192.0.2.7:443", false],
    ["192.0.2.0/24", "192.0.2.7:443", true],
    ["192.0.2.0/24:443", "192.0.2.7:443", true],
    ["192.0.2.0/24:8443", "192.0.2.7:443", false],
    ["192.0.2.0/33", "192.0.2.7:443", false],
    ["198.51.100.0/24", "192.0.2.7:443", false],
    ["2", "192.0.2.2:443", false],
    [".2", "192.0.2.2:443", false],
    ["10.0.0.0/8", "ten.example:443", false],
    ["2001:db8::7", "[2001:db8::7]:443", true],
    ["2001:DB8:0::7", "[2001:db8::7]:443", true],
    ["[2001:db8::7]", "[2001:db8::7]:443", true],
    ["[2001:db8::7]:443", "[2001:db8::7]:443", true],
    ["[2001:db8::7]:8443", "[2001:db8::7]:443", false],
    ["2001:db8::/32", "[2001:db8::7]:443", true],
    ["192.0.2.0/24", "[2001:db8::7]:443", false],
    [",, ,:443,/8,.", "cloud.example:443", false],
  ];
  for (const [list, address, isWithout] of cases) {
    it(`"${list}" ${isWithout ? "holds" : "does not hold"} ${address}`, () => {
      expect(isWithoutProxy(list, parseAddress(address))).to.equal(isWithout);
    });
  }

  it("has no exceptions by itself, for loopback neither", () => {
    expect(isWithoutProxy("", parseAddress("127.0.0.1:443"))).to.equal(false);
    expect(isWithoutProxy("", parseAddress("localhost:443"))).to.equal(false);
  });
});
