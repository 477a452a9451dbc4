import { splice } from "@drawbridge/dataplane";
import { expect } from "chai";
import { DeadPeerWatch } from "../../../packages/dataplane/src/dead-peer-watch.ts";
import { tcpKey } from "../../../packages/dataplane/src/tcp-table-linux.ts";
import { closedOf, LoopbackServer, readBytes } from "../../support/dataplane-sockets.ts";

const ENDS = { localAddress: "10.0.0.1", localPort: 8443, remoteAddress: "10.0.0.2", remotePort: 40_000 };
const KEY = String(tcpKey(ENDS));

/** A watch that only looks when it is told to, on a table of the test's own. */
class WatchBench {
  readonly table = new Map<string, number>();
  tableReads = 0;
  received = 0;
  sent = 0;
  deaths = 0;
  readonly watch = new DeadPeerWatch({
    intervalMs: 1_000_000,
    readTable: () => {
      this.tableReads += 1;
      return Promise.resolve(this.table);
    },
  });

  watchOne(): () => void {
    return this.watch.add({
      socket: ENDS,
      received: () => this.received,
      sent: () => this.sent,
      onDead: () => (this.deaths += 1),
    });
  }

  async look(times: number): Promise<void> {
    for (let look = 0; look < times; look += 1) await this.watch.look();
  }
}

describe("the watch for dead peers", () => {
  let bench: WatchBench;
  let remove: () => void;
  beforeEach(() => {
    bench = new WatchBench();
    remove = bench.watchOne();
  });
  afterEach(() => remove());

  it("tells a peer dead that is silent and does not acknowledge what it was sent", async () => {
    bench.sent = 10;
    bench.table.set(KEY, 8);
    await bench.look(2);
    expect(bench.deaths).to.equal(0);
    await bench.look(1);
    expect(bench.deaths).to.equal(1);
  });

  it("leaves one alone that is silent, but acknowledges, or does after a few repetitions", async () => {
    bench.sent = 10;
    await bench.look(5);
    bench.table.set(KEY, 7);
    await bench.look(5);
    expect(bench.deaths).to.equal(0);
  });

  it("does not even read the table while peers speak, or were sent nothing since", async () => {
    bench.table.set(KEY, 9);
    for (let turn = 0; turn < 10; turn += 1) {
      bench.sent += 1;
      bench.received += 1;
      await bench.look(1);
    }
    await bench.look(10);
    expect([bench.deaths, bench.tableReads]).to.deep.equal([0, 0]);
  });

  it("forgets a peer that is taken away", async () => {
    bench.sent = 10;
    bench.table.set(KEY, 9);
    remove();
    await bench.look(5);
    expect([bench.deaths, bench.tableReads]).to.deep.equal([0, 0]);
  });

  it("ends a splice, and says which side", async () => {
    const server = await LoopbackServer.start();
    const [left, right] = [await server.pair(), await server.pair()];
    const names = { aName: "the remote leg", bName: "the tenant leg" };
    const running = splice(left.far, right.far, { ...names, deadPeers: bench.watch });
    left.near.write("x");
    await readBytes(right.near, 1);
    const { localAddress = "", localPort = 0, remoteAddress = "", remotePort = 0 } = right.far;
    bench.table.set(String(tcpKey({ localAddress, localPort, remoteAddress, remotePort })), 8);
    await bench.look(3);
    expect(await running.closed).to.deep.equal({
      code: "closed",
      message: "the tenant leg does not answer any more",
    });
    await Promise.all([closedOf(left.near), closedOf(right.near)]);
    await bench.look(3);
    expect(bench.deaths).to.equal(0);
    server.close();
  });
});
