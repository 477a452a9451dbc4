import { isIP } from "node:net";
import { DrawbridgeError, formatIp } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";
import { canonicalTarget, isFreeTarget, readFreeTarget } from "../../../packages/control/src/wire/free-target.ts";

const port = fc.integer({ min: 1, max: 65_535 });
const ipv4 = fc.ipV4();
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatIp(bytes));
const label = fc.stringMatching(/^[a-z]([a-z0-9_-]{0,10}[a-z0-9_])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join("."));
const target = fc
  .tuple(fc.oneof(ipv4, ipv6, name), port)
  .map(([host, number]) => (host.includes(":") ? `[${host}]:${number}` : `${host}:${number}`));

/** Writes the same address in another way that resolvers and people take for it. */
const disguises: readonly ((text: string) => string)[] = [
  (text) => text.toUpperCase(),
  (text) => text.replace(/^([a-z_].*):(\d+)$/i, "$1.:$2"),
  (text) => text.replace(/:(\d+)$/, ":0$1").replace(/:0(\d{5})$/, ":$1"),
  (text) => text.replace(/::/, ":0::").replace(/\[:0/, "[0"),
  (text) => ` ${text}\t`,
];

describe("the form of a free target", () => {
  it("is one: every way to write the same target becomes it, and it stays as it is", () => {
    fc.assert(
      fc.property(target, fc.subarray([...disguises]), (canonical, changes) => {
        const disguised = changes.reduce((text, change) => change(text), canonical);
        expect(canonicalTarget(disguised)).to.equal(canonical);
        if (disguised !== canonical)
          expect(() => readFreeTarget(disguised)).to.throw(DrawbridgeError, "canonical form");
        const { host, port: number } = readFreeTarget(canonical);
        expect(host.includes(":") ? `[${host}]:${number}` : `${host}:${number}`).to.equal(canonical);
      }),
    );
  });

  it("is refused, or stays as it is when it is read again, whatever the text", () => {
    const unit = fc.constantFrom(..."0123456789abcdefxXFE.:[]%-_*/@ \t\0éⅠ。１".split(""));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
        let canonical: string;
        try {
          canonical = canonicalTarget(`${text}:22`);
        } catch (error) {
          expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "invalid-argument");
          return;
        }
        expect(canonicalTarget(canonical)).to.equal(canonical);
        const { host } = readFreeTarget(canonical);
        // Nothing that is no address may be one to a resolver: it takes numbers as inet_aton does.
        if (isIP(host) === 0) expect(host).to.match(/^(?!.*(^|\.)(\d+|0x[0-9a-f]*)$)[a-z0-9_][a-z0-9_.-]*$/);
      }),
      { numRuns: 2_000 },
    );
  });

  const refused: readonly [what: string, text: string][] = [
    ["an address in two parts", "127.1:22"],
    ["an address in hexadecimal", "0x7f.1:22"],
    ["an address with a hexadecimal end", "127.0.0.0x1:22"],
    ["an address as one number", "2130706433:22"],
    ["an address as one hexadecimal number", "0x7f000001:22"],
    ["an address in octal", "0177.0.0.1:22"],
    ["an address with a dot behind it", "127.0.0.1.:22"],
    ["digits of another script", "１27.0.0.1:22"],
    ["a scope", "[fe80::1%eth0]:22"],
    ["an IPv6 address without brackets", "fd00::5:22"],
    ["an IPv4 address in brackets", "[10.0.0.5]:22"],
    ["no host", ":22"],
    ["no port", "fileserver.lan:"],
    ["port 0", "fileserver.lan:0"],
    ["a port that is too large", "fileserver.lan:65536"],
    ["a negative port", "fileserver.lan:-1"],
    ["an empty label", "a..b:22"],
    ["two dots at the end", "a..:22"],
    ["a label that is too long", `${"a".repeat(64)}.lan:22`],
    ["a name that is too long", `${"a.".repeat(127)}ab:22`],
    ["a wildcard", "*.lan:22"],
    ["a user", "root@fileserver.lan:22"],
    ["a path", "fileserver.lan:22/x"],
    ["a zero byte", "fileserver.lan\0.example:22"],
    ["a line's end", "fileserver.lan\n:22"],
    ["another script", "straße.lan:22"],
  ];
  for (const [what, text] of refused) {
    it(`is not ${what}`, () => {
      expect(() => canonicalTarget(text))
        .to.throw(DrawbridgeError)
        .with.property("code", "invalid-argument");
    });
  }

  it("has room for the longest name and port, in the contract too", () => {
    const longest = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}:65535`;
    expect(canonicalTarget(longest)).to.equal(longest).with.lengthOf(259);
  });

  it("is never that of a named target, which stays as it is", () => {
    for (const named of ["rdp", "10.0.0.5", "RDP", "no such name"]) {
      expect([isFreeTarget(named), canonicalTarget(named)]).to.deep.equal([false, named]);
    }
  });
});
