import { AddressRanges, DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";

describe("address ranges", () => {
  const ranges = new AddressRanges(["192.0.2.7", "10.1.0.0/16", "2001:db8::/32", "::1"]);

  for (const inside of ["192.0.2.7", "10.1.255.255", "2001:db8:1::5", "::1", "::ffff:192.0.2.7"]) {
    it(`have ${inside}`, () => {
      expect(ranges.has(inside)).to.equal(true);
    });
  }

  for (const outside of ["192.0.2.8", "10.2.0.1", "2001:db9::1", "::2", "", "gateway.example"]) {
    it(`have not "${outside}"`, () => {
      expect(ranges.has(outside)).to.equal(false);
    });
  }

  it("have nothing unless told", () => {
    const none = new AddressRanges();
    for (const host of ["127.0.0.1", "::1", "0.0.0.0", "::"]) expect(none.has(host)).to.equal(false);
  });

  for (const wrong of [
    "gateway.example",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/8/8",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "fe80::1%eth0",
    "",
  ]) {
    it(`refuse "${wrong}", and name it`, () => {
      expect(() => new AddressRanges(["10.0.0.1", wrong]))
        .to.throw(DrawbridgeError, `"${wrong}" is neither an IP address nor a range`)
        .with.property("code", "invalid-argument");
    });
  }
});
