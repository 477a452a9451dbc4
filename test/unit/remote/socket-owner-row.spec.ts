import { endianness } from "node:os";

import { expect } from "chai";
import fc from "fast-check";

import { connectionKey, parseSocketOwnerRow } from "../../../packages/control/src/remote/socket-owner-row.ts";

const listener = { host: "127.1.2.3", port: 0xc5ef };
const client = (port: number) => ({ host: "127.0.0.1", port });

/** Recorded on Linux 6.18, x86-64. */
const ROWS = {
  header:
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     ",
  listening:
    "   2: 0302017F:C5EF 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 92463 4 0000000011879825 100 0 0 10 0                     ",
  ours: "   7: 0100007F:BD1A 0302017F:C5EF 01 00000000:00000000 00:00000000 00000000  1000        0 92464 2 00000000080885b6 20 0 0 10 -1                     ",
  nobodys:
    "   8: 0100007F:BD32 0302017F:C5EF 01 00000000:00000000 00:00000000 00000000 65534        0 89676 2 000000001bbfd258 20 0 0 10 -1                     ",
  left: "   9: 0100007F:BD40 0302017F:C5EF 04 00000001:00000000 01:00000014 00000000 65534        0 0 2 00000000724eede5 20 0 0 10 -1                         ",
  leftLongAgo:
    "   7: 0100007F:BD32 0302017F:C5EF 05 00000000:00000000 03:00001766 00000000     0        0 0 3 000000006aa84afd                                      ",
  timeWait:
    "   6: 0100007F:BD1A 0302017F:C5EF 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0000000087e76863                                      ",
  connecting:
    "   7: 0100007F:BD1A 0302017F:C5EF 02 00000000:00000000 00:00000000 00000000  1000        0 92464 2 00000000080885b6 20 0 0 10 -1                     ",
  mapped:
    "   2: 0000000000000000FFFF00000100007F:BD24 0000000000000000FFFF00000302017F:C5EF 01 00000000:00000000 00:00000000 00000000  1000        0 92465 2 00000000c1c79e6e 20 0 0 10 -1",
  ipv6: "   3: 00000000000000000000000001000000:C05C 00000000000000000000000001000000:9759 01 00000000:00000000 00:00000000 00000000  1000        0 92467 2 00000000517fdfde 20 0 0 10 -1",
};

describe("rows of /proc/net/tcp", () => {
  before(function () {
    // The texts were recorded on a little-endian machine, and the kernel prints addresses in the machine's order.
    if (endianness() !== "LE") this.skip();
  });

  it("gives the uid of the connecting end, found by both ends", () => {
    expect(parseSocketOwnerRow(ROWS.ours)).to.deep.equal({
      key: connectionKey(client(0xbd1a), listener),
      uid: 1000,
    });
    expect(parseSocketOwnerRow(ROWS.nobodys)).to.deep.equal({
      key: connectionKey(client(0xbd32), listener),
      uid: 65_534,
    });
  });

  it("finds an IPv4 connection that was made by an IPv6 socket, and one over ::1", () => {
    expect(parseSocketOwnerRow(ROWS.mapped)?.key).to.equal(connectionKey(client(0xbd24), listener));
    const loopback = { host: "::1", port: 0xc05c };
    expect(parseSocketOwnerRow(ROWS.ipv6)?.key).to.equal(connectionKey(loopback, { host: "::1", port: 0x9759 }));
  });

  it("does not take a socket that no process holds for root's", () => {
    for (const row of [ROWS.left, ROWS.leftLongAgo, ROWS.timeWait])
      expect(parseSocketOwnerRow(row)).to.equal(undefined);
  });

  it("passes over the header, listening sockets and connections that are not made yet", () => {
    for (const row of [ROWS.header, ROWS.listening, ROWS.connecting, ""])
      expect(parseSocketOwnerRow(row)).to.equal(undefined);
  });

  it("tells the connecting end from ours", () => {
    expect(connectionKey(client(1), listener)).to.not.equal(connectionKey(listener, client(1)));
  });

  it("has one key for an IPv4 address in either form, and none for addresses that are not loopback or not addresses", () => {
    expect(connectionKey({ host: "::ffff:127.0.0.1", port: 1 }, listener)).to.equal(connectionKey(client(1), listener));
    for (const host of ["", "localhost", "127.0.0.256", "fe80::1", "::ffff:127.0.0.1.2"])
      expect(connectionKey({ host, port: 1 }, listener), host).to.equal(undefined);
  });

  it("never throws on garbage, and never finds an owner in a cut row", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), (line) => {
        expect(parseSocketOwnerRow(line)?.uid ?? 0).to.be.a("number");
      }),
    );
    const cutAt = (length: number): string => ROWS.ours.slice(0, length);
    const inodeEnds = ROWS.ours.indexOf("92464") + "92464".length;
    for (let length = 0; length <= inodeEnds; length++)
      expect(parseSocketOwnerRow(cutAt(length)), String(length)).to.equal(undefined);
  });

  it("never throws on a row with a few bytes changed", () => {
    const at = fc.nat({ max: ROWS.ours.length - 1 });
    fc.assert(
      fc.property(fc.array(fc.tuple(at, fc.string({ minLength: 1, maxLength: 1 })), { maxLength: 4 }), (changes) => {
        const row = Array.from(ROWS.ours);
        for (const [index, character] of changes) row[index] = character;
        const parsed = parseSocketOwnerRow(row.join(""));
        if (parsed !== undefined) expect(parsed.uid).to.be.at.least(0);
      }),
    );
  });
});
