import { isIP, SocketAddress } from "node:net";
import { expect } from "chai";
import fc from "fast-check";
import { formatIp, ipBytes } from "../../../packages/dataplane/src/ip-bytes.ts";

/** Sixteen bytes of which some groups are zero, so that there is something to shorten. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff])));

describe("the bytes of an IP address", () => {
  for (const [text, hex] of [
    ["192.0.2.7", "c0000207"],
    ["::", "00".repeat(16)],
    ["::1", `${"00".repeat(15)}01`],
    ["2001:db8::7", `20010db8${"00".repeat(11)}07`],
    ["2001:DB8:0:0:0:0:0:7", `20010db8${"00".repeat(11)}07`],
    ["::ffff:192.0.2.7", `${"00".repeat(10)}ffffc0000207`],
    ["fe80::1%eth0", `fe80${"00".repeat(13)}01`],
  ] as const) {
    it(`reads ${text}`, () => {
      expect(ipBytes(text)?.toString("hex")).to.equal(hex);
    });
  }

  for (const text of [
    "",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.4.5",
    ":",
    "1:2",
    ":::",
    "1::2::3",
    "12345::",
    "::1.2.3",
    "g::",
  ]) {
    it(`knows that "${text}" is none`, () => {
      expect(ipBytes(text)).to.equal(undefined);
    });
  }

  it("takes for an address what Node takes for one", () => {
    const text = fc.stringMatching(/^[0-9a-f:.]{0,20}$/);
    fc.assert(
      fc.property(text, (candidate) => {
        expect(ipBytes(candidate) === undefined).to.equal(isIP(candidate) === 0);
      }),
      { numRuns: 2000 },
    );
  });

  it("are written as Node writes them, and read back", () => {
    fc.assert(
      fc.property(ipv6, (bytes) => {
        const text = formatIp(bytes);
        // Node writes an IPv4-compatible address (deprecated, RFC 4291) with dots; RFC 5952 asks for none there.
        if (!bytes.subarray(0, 12).equals(Buffer.alloc(12))) {
          expect(text).to.equal(new SocketAddress({ family: "ipv6", address: text }).address);
        }
        expect(ipBytes(text)).to.deep.equal(bytes);
      }),
      { numRuns: 2000 },
    );
    expect(formatIp(Buffer.from([192, 0, 2, 7]))).to.equal("192.0.2.7");
  });
});
