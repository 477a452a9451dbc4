import { type LinkReservation, Reach } from "@drawbridge/dataplane";
import { expect } from "chai";
import { createHash, randomBytes } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { RAW_AGAIN_MS } from "../../../packages/dataplane/src/leg-memory.ts";
import { SILENT_LEG_MS } from "../../../packages/dataplane/src/leg-ways.ts";
import { closedOf, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { TlsOnlyMiddlebox, type Treatment } from "../../support/tls-only-middlebox.ts";
import { thrown } from "../../unit/identity/thrown.ts";
import { LegBench } from "./leg-bench.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const LATE = { handshakeTimeoutMs: 500 };

describe("leg transport", function () {
  this.timeout(30_000);
  const resources = new AsyncDisposableStack();
  let bench: LegBench;
  let middlebox: TlsOnlyMiddlebox;

  before(async () => {
    bench = resources.use(await LegBench.start());
    middlebox = resources.use(await TlsOnlyMiddlebox.start(`127.0.0.1:${bench.address.port}`, "resets"));
  });
  beforeEach(() => {
    middlebox.treatment = "resets";
    Object.assign(middlebox.seen, { tls: 0, raw: 0, stopped: 0 });
  });
  after(() => resources.disposeAsync());

  /** A link between two reaches, the remote one's leg behind the middlebox. */
  async function linked(remote: Reach, tenant = new Reach(), link: LinkReservation = bench.expect()) {
    const [near, far] = await Promise.all([bench.remote(remote, link, middlebox.address), bench.tenant(tenant, link)]);
    return { near, far, link };
  }

  /** Sends both ways at once and half-closes both. */
  async function exchange(near: TLSSocket, far: TLSSocket): Promise<void> {
    const [up, down] = [randomBytes(3_000_000), randomBytes(3_000_001)];
    near.end(up);
    far.end(down);
    const [atFar, atNear] = await Promise.all([readAll(far), readAll(near)]);
    expect([sha256(atFar), sha256(atNear)]).to.deep.equal([sha256(up), sha256(down)]);
    await Promise.all([closedOf(near), closedOf(far)]);
  }

  for (const remote of ["tls", "raw"] as const) {
    for (const tenant of ["tls", "raw"] as const) {
      it(`carries ${remote} to ${tenant}, byte for byte, and one half-close after the other`, async () => {
        middlebox.treatment = undefined;
        const ends = (): [Reach, Reach] => [
          bench.reach({ legTransport: remote }),
          bench.reach({ legTransport: tenant }),
        ];
        const { near, far, link } = await linked(...ends());
        await exchange(near, far);
        expect((await link.closed).reason.message).to.equal("both sides ended the connection");
        expect(middlebox.seen).to.deep.equal({
          tls: remote === "tls" ? 1 : 0,
          raw: remote === "raw" ? 1 : 0,
          stopped: 0,
        });

        const second = await linked(...ends());
        second.far.end("all of it");
        expect((await readAll(second.near)).toString()).to.equal("all of it");
        for (const word of ["still", "goes", "on"]) {
          second.near.write(word);
          expect((await readBytes(second.far, word.length)).toString()).to.equal(word);
        }
        second.near.end();
        expect(await readAll(second.far)).to.have.length(0);
        await Promise.all([closedOf(second.near), closedOf(second.far)]);
      });
    }
  }

  for (const cut of ["reset", "end"] as const) {
    it(`a TLS leg on whose way comes a TCP ${cut} is cut off, and never an end in order`, async () => {
      const { near, far } = await linked(bench.reach({ legTransport: "tls" }));
      far.write("part");
      expect((await readBytes(near, 4)).toString()).to.equal("part");
      let hasEnded = false;
      for (const end of [near, far]) end.on("end", () => (hasEnded = true)).resume();
      middlebox.cut(cut);
      await Promise.all([closedOf(near), closedOf(far)]);
      expect(hasEnded).to.equal(false);
    });
  }

  for (const treatment of ["resets", "swallows", "answers"] as const satisfies Treatment[]) {
    it(`auto gets through where something ${treatment} raw legs, and the next leg takes TLS at once`, async () => {
      middlebox.treatment = treatment;
      const reach = bench.reach();
      const first = await linked(reach);
      await exchange(first.near, first.far);
      expect(middlebox.seen).to.deep.equal({ tls: 1, raw: 0, stopped: 1 });
      const second = await linked(reach);
      await exchange(second.near, second.far);
      expect(middlebox.seen).to.deep.equal({ tls: 2, raw: 0, stopped: 1 });
    });
  }

  it("auto gets through where both ends are behind such a thing that swallows", async () => {
    middlebox.treatment = "swallows";
    const link = bench.expect();
    const [near, far] = await Promise.all([
      bench.remote(bench.reach(), link, middlebox.address),
      bench.tenant(bench.reach(), link, middlebox.address),
    ]);
    await exchange(near, far);
  });

  it("auto keeps a raw leg that got through while the other end is late", async () => {
    middlebox.treatment = undefined;
    const clock = new FakeClock();
    const link = bench.expect();
    const remote = bench.remote(bench.reach(), link, middlebox.address, { clock });
    while (link.state.kind !== "held") await new Promise((resolve) => setImmediate(resolve));
    clock.advance(SILENT_LEG_MS);
    const refused = bench.rendezvous.stats().refusedTotal;
    while (bench.rendezvous.stats().refusedTotal === refused) await new Promise((resolve) => setImmediate(resolve));
    const [near, far] = await Promise.all([remote, bench.tenant(new Reach(), link)]);
    await exchange(near, far);
    expect(middlebox.seen).to.include({ raw: 1 });
  });

  it("auto tries raw again after a while, and stays with it where it gets through", async () => {
    const clock = new FakeClock();
    const reach = bench.reach({ clock });
    const first = await linked(reach);
    await exchange(first.near, first.far);
    middlebox.treatment = undefined;
    clock.advance(RAW_AGAIN_MS);
    const second = await linked(reach);
    await exchange(second.near, second.far);
    expect(middlebox.seen).to.deep.equal({ tls: 1, raw: 1, stopped: 1 });
  });

  for (const treatment of ["resets", "swallows"] as const) {
    it(`raw says what is the matter where something ${treatment} it`, async () => {
      middlebox.treatment = treatment;
      const reach = bench.reach({ legTransport: "raw" });
      const error = await thrown(() => bench.remote(reach, bench.expect(), middlebox.address, LATE));
      expect(error.message).to.contain(`nothing came back on the raw leg to ${middlebox.name}`);
      expect(error.remedy).to.contain("--leg-transport auto");
    });
  }

  it("tls says when the server takes no part in it, and whose certificate is not the provider's", async () => {
    await using older = await LegBench.start("h2");
    const trusting = older.reach({ legTransport: "tls" });
    const error = await thrown(() => trusting.dialLeg(older.address, older.expect().remoteToken));
    expect(error).to.have.property("code", "dial-failed");
    expect(error.message).to.match(/^no leg over TLS can be made at 127\.0\.0\.1:\d+/);
    for (const trust of [{ serverName: "other.test" }, { certificateAuthorities: [] }]) {
      const reach = bench.reach({ legTransport: "tls" }, trust);
      const refusal = await thrown(() => reach.dialLeg(bench.address, bench.expect().remoteToken));
      expect(refusal).to.have.property("code", "certificate-invalid");
    }
  });

  it("auto reports the first leg's trouble where TLS does not get through either", async () => {
    await using older = await LegBench.start("h2");
    await using box = await TlsOnlyMiddlebox.start(`127.0.0.1:${older.address.port}`, "resets");
    const error = await thrown(() => older.remote(older.reach(), older.expect(), box.address));
    expect(error).to.have.property("code", "closed");
    expect(error.cause)
      .to.have.property("message")
      .that.matches(/no leg over TLS/);
  });

  it("gives up at once when aborted, on both ways", async () => {
    middlebox.treatment = "swallows";
    const controller = new AbortController();
    const clock = new FakeClock();
    const more = { signal: controller.signal, clock };
    const failed = thrown(() => bench.remote(bench.reach(), bench.expect(), middlebox.address, more));
    while (middlebox.seen.stopped === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(SILENT_LEG_MS);
    while (middlebox.seen.tls === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    expect(await failed).to.have.property("code", "cancelled");
    expect(clock.pending).to.equal(0);
  });
});
