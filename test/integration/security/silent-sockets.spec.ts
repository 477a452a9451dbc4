import { once } from "node:events";
import { Gateways, Reach } from "@drawbridge/dataplane";
import { connect } from "node:net";
import { join } from "node:path";
import { type EnrolledIdentity, loadIdentity } from "@drawbridge/control/identity";
import { RemoteRedirector } from "@drawbridge/control/remote";
import { openChannel } from "@drawbridge/control/rpc";
import { expect } from "chai";
import { type Chain, startChain, stopChain } from "../../support/chain.ts";
import { LoopbackServer, readBytes } from "../../support/dataplane-sockets.ts";
import { Flood, type FloodKind, residentBytes } from "./flood.ts";

const SOCKETS = 5_000;
const MAX_GROWTH_BYTES = 100 * 1024 * 1024;
const SESSIONS = 7;
const KINDS: readonly FloodKind[] = ["silent", "half a handshake", "anonymous TLS", "silent legs inside of TLS"];
const OVER = { code: "closed", message: "the test is over" } as const;
const nothing = (): void => {};

describe(`${SOCKETS} connections from many addresses that mean nothing good`, function () {
  this.timeout(120_000);
  let chain: Chain;
  let target: LoopbackServer;
  let alice: EnrolledIdentity;
  let normalMs: number;
  let pid: number;
  const port = (): number => Number(chain.address.split(":")[1]);

  before(async function () {
    if (process.platform !== "linux") return this.skip();
    target = await LoopbackServer.start();
    chain = await startChain([`rdp=127.0.0.1:${target.address.port}`]);
    alice = await loadIdentity(join(chain.operatorHome, "operator"), "operator");
    pid = Number(chain.processes[0]?.child.pid);
    await setUp();
    normalMs = median(await setUps());
  });

  after(async () => {
    await stopChain(chain);
    target.close();
  });

  /** Everything that `connect` does: a connection of its own, a session, a link, a byte there. Returns the time it took. */
  async function setUp(): Promise<number> {
    const begin = performance.now();
    const channel = openChannel(alice, chain.address, new Reach());
    const remote = new RemoteRedirector({
      identity: () => alice,
      channel,
      gateways: new Gateways([chain.address]),
      request: { tenant: "acme", target: "rdp", reason: "", ticket: "" },
      listen: { host: "127.0.0.1", port: 0 },
      observer: { pending: nothing, opened: nothing, linkOpened: nothing, linkClosed: nothing, clientRefused: nothing },
      trustTenantKey: () => Promise.resolve(),
    });
    const address = await remote.start(new AbortController().signal);
    const client = connect(address.port, address.host);
    await once(client, "connect");
    client.on("error", nothing).write("x");
    const service = await target.next();
    await readBytes(service, 1);
    const took = performance.now() - begin;
    client.destroy();
    service.destroy();
    await remote.stop(OVER);
    channel.close();
    return took;
  }

  async function setUps(): Promise<number[]> {
    const times: number[] = [];
    for (let count = 0; count < SESSIONS; count += 1) times.push(await setUp());
    return times;
  }

  for (const kind of KINDS) {
    it(`PEERS security 1: ${kind}: a session still sets up, and memory grows by less than 100 MB`, async () => {
      const before = await residentBytes(pid);
      const flood = await Flood.open(port(), SOCKETS, kind);
      try {
        const atOnce = flood.size;
        const times = await setUps();
        const grown = (await residentBytes(pid)) - before;
        report(kind, atOnce, median(times), grown);
        expect(grown).to.be.below(MAX_GROWTH_BYTES);
      } finally {
        await flood.close();
      }
    });
  }

  function report(kind: FloodKind, open: number, ms: number, grownBytes: number): void {
    const ratio = (ms / normalMs).toFixed(2);
    const megabytes = (grownBytes / 1024 / 1024).toFixed(1);
    console.log(
      `      ${kind}: ${open} of ${SOCKETS} open; set-up ${ms.toFixed(0)} ms, ${ratio} times the normal ` +
        `${normalMs.toFixed(0)} ms (median of ${SESSIONS}); memory ${megabytes} MB more`,
    );
  }
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}
