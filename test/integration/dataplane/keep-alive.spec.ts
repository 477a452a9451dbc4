import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { dial } from "@drawbridge/dataplane";
import { expect } from "chai";
import { FrontDoor } from "../../../packages/dataplane/src/front-door.ts";
import { tcpKey } from "../../../packages/dataplane/src/tcp-table-linux.ts";

/** The kernel's keep-alive timer in /proc/net/tcp (https://docs.kernel.org/networking/proc_net_tcp.html). */
const KEEP_ALIVE_TIMER = "02";

/** Which timer runs on one end of a connection. */
async function timerOf({
  localAddress = "",
  localPort = 0,
  remoteAddress = "",
  remotePort = 0,
}: Socket): Promise<string> {
  const key = tcpKey({ localAddress, localPort, remoteAddress, remotePort });
  const table = await readFile("/proc/net/tcp", "latin1");
  const row = table.split("\n").find((line) => line.includes(` ${key} `));
  return row?.trim().split(/ +/)[5]?.slice(0, 2) ?? "no row";
}

describe("TCP keep-alive", () => {
  it("runs on both ends of every connection, so that a peer that died in silence is found at the other", async function () {
    if (process.platform !== "linux") return this.skip();
    const accepted = Promise.withResolvers<Socket>();
    const door = new FrontDoor({ onTls: accepted.resolve, onLeg: accepted.resolve });
    const near = await dial(await door.listen({ host: "127.0.0.1", port: 0 }));
    near.write("DBR1");
    const far = await accepted.promise;
    const timers = [await timerOf(near), await timerOf(far)];
    near.destroy();
    far.destroy();
    await door.close();
    expect(timers).to.deep.equal([KEEP_ALIVE_TIMER, KEEP_ALIVE_TIMER]);
  });
});
