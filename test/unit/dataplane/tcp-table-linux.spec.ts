import { readFile } from "node:fs/promises";
import { endianness } from "node:os";
import { expect } from "chai";
import { parseRetransmits, tcpKey } from "../../../packages/dataplane/src/tcp-table-linux.ts";
import { LoopbackServer } from "../../support/dataplane-sockets.ts";

const row = (timer: string, retransmits: string): string =>
  `   7: 0102000A:1F90 0109000A:A1B2 01 00000021:00000000 ${timer}:00000315 ${retransmits}     0        0 12345 2 0 0`;

describe("the kernel's table of TCP connections", () => {
  it("tells how often in a row a connection has repeated what is not acknowledged", () => {
    const key = "0102000A:1F90 0109000A:A1B2";
    expect(parseRetransmits(row("01", "00000009"))).to.deep.equal({ key, count: 9 });
    expect(parseRetransmits(row("01", "00000010"))).to.deep.equal({ key, count: 16 });
  });

  it("leaves out connections that repeat nothing, and other timers' counts", () => {
    expect(parseRetransmits(row("00", "00000000"))).to.equal(undefined);
    // Keep-alive and the probes of a peer that has no room are answered, or find death by themselves.
    expect(parseRetransmits(row("02", "00000009"))).to.equal(undefined);
    expect(parseRetransmits(row("04", "00000009"))).to.equal(undefined);
  });

  it("reads no row from anything else", () => {
    for (const line of ["", "  sl  local_address rem_address   st", "garbage", row("zz", "1")]) {
      expect(parseRetransmits(line)).to.equal(undefined);
    }
  });

  it("writes keys as the kernel prints them", async function () {
    if (endianness() !== "LE") return this.skip();
    expect(
      tcpKey({ localAddress: "10.0.2.1", localPort: 8080, remoteAddress: "10.0.9.1", remotePort: 41_394 }),
    ).to.equal("0102000A:1F90 0109000A:A1B2");
    expect(
      tcpKey({ localAddress: "::1", localPort: 1, remoteAddress: "::ffff:10.0.9.1", remotePort: 65_535 }),
    ).to.equal("00000000000000000000000001000000:0001 0000000000000000FFFF00000109000A:FFFF");
    expect(tcpKey({ localAddress: "", localPort: 1, remoteAddress: "::1", remotePort: 2 })).to.equal(undefined);
  });

  it("prints a living connection by that key", async function () {
    if (process.platform !== "linux") return this.skip();
    const server = await LoopbackServer.start();
    const { near, far } = await server.pair();
    const { localAddress = "", localPort = 0, remoteAddress = "", remotePort = 0 } = near;
    const key = tcpKey({ localAddress, localPort, remoteAddress, remotePort });
    expect(await readFile("/proc/net/tcp", "latin1")).to.include(` ${key} `);
    near.destroy();
    far.destroy();
    server.close();
  });
});
