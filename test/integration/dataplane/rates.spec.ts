import { expect } from "chai";
import type { Socket } from "node:net";
import { RendezvousBench } from "../../support/dataplane-rendezvous.ts";

const RATE = 100_000;
const BURST = RATE / 4;
/** What one read may take beyond the cap. */
const QUANTUM = RATE / 50;

/** Lets everything that can happen without time passing happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 300; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The bytes that a socket receives. */
function counting(socket: Socket): { bytes: number } {
  const counted = { bytes: 0 };
  socket.on("data", (chunk: Buffer) => (counted.bytes += chunk.length));
  return counted;
}

describe("caps in bytes per second on links", () => {
  let bench: RendezvousBench;
  afterEach(() => bench.stop());

  async function pass(ms: number): Promise<void> {
    // In steps, so that sockets get their turns in between.
    for (let passed = 0; passed < ms; passed += 20) {
      bench.clock.advance(20);
      await settle();
    }
  }

  it("let a burst through and then the rate, both directions together", async () => {
    bench = await RendezvousBench.start({ rates: { perTenant: RATE } });
    const { remote, tenant } = await bench.pairedLink();
    const [atTenant, atRemote] = [counting(tenant), counting(remote)];
    remote.write(Buffer.alloc(2_000_000));
    tenant.write(Buffer.alloc(2_000_000));
    await settle();
    const moved = (): number => atTenant.bytes + atRemote.bytes;
    expect(moved()).to.be.within(BURST, BURST + 3 * QUANTUM);
    await pass(1_000);
    expect(moved()).to.be.within(RATE, BURST + RATE + 3 * QUANTUM);
    expect(Math.min(atTenant.bytes, atRemote.bytes)).to.be.above(RATE / 4);
  });

  it("delay no link that is not capped", async () => {
    bench = await RendezvousBench.start({ rates: { perSession: RATE } });
    const capped = bench.rendezvous.expect({ linkId: "capped", tenant: "acme", session: "s1" });
    const remote = await bench.arrive(capped.remoteToken);
    const tenant = await bench.arrive(capped.tenantToken);
    const free = await bench.pairedLink("free");
    const atTenant = counting(tenant);
    remote.write(Buffer.alloc(2_000_000));
    await settle();
    const atFree = counting(free.tenant);
    free.remote.write(Buffer.alloc(2_000_000));
    while (atFree.bytes < 2_000_000) await settle();
    expect(atTenant.bytes).to.be.at.most(BURST + 2 * QUANTUM);
  });

  it("deliver all of it in the end, with the end behind it", async () => {
    bench = await RendezvousBench.start({ rates: { inAll: RATE } });
    const { remote, tenant, link } = await bench.pairedLink();
    const atTenant = counting(tenant);
    remote.end(Buffer.alloc(300_000));
    tenant.end();
    remote.resume();
    let isOver = false;
    void link.closed.then(() => (isOver = true));
    await pass(2_000);
    expect(isOver).to.equal(false);
    expect(atTenant.bytes).to.be.below(300_000);
    await pass(1_500);
    expect(atTenant.bytes).to.equal(300_000);
    expect((await link.closed).toTenant).to.equal(300_000);
  });

  it("hold a link that is closed meanwhile no longer", async () => {
    bench = await RendezvousBench.start({ rates: { inAll: RATE, perTenant: RATE } });
    const { remote, tenant, link } = await bench.pairedLink();
    tenant.resume();
    const before = bench.clock.pending;
    remote.write(Buffer.alloc(2_000_000));
    await settle();
    expect(bench.clock.pending).to.equal(before + 1);
    link.close({ code: "revoked", message: "the tenant was revoked" });
    await link.closed;
    expect(bench.clock.pending).to.equal(before);
  });
});
