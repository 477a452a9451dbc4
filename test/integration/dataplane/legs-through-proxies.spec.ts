import { parseProxy, type Reach } from "@drawbridge/dataplane";
import { expect } from "chai";
import { createHash, randomBytes } from "node:crypto";
import { closedOf, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { TunnelProxy } from "../../support/tunnel-proxy.ts";
import { LegBench } from "./leg-bench.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describe("legs through proxies that end both directions at once", function () {
  this.timeout(20_000);
  const resources = new AsyncDisposableStack();
  let bench: LegBench;
  let proxy: TunnelProxy;

  before(async () => {
    bench = resources.use(await LegBench.start());
    proxy = resources.use(await TunnelProxy.start());
  });
  after(() => resources.disposeAsync());

  const behind = (legTransport: "raw" | "tls"): Reach =>
    bench.reach({ proxy: parseProxy(proxy.url, "the test"), legTransport });
  async function linked(remote: Reach, tenant: Reach) {
    const link = bench.expect();
    const [near, far] = await Promise.all([bench.remote(remote, link), bench.tenant(tenant, link)]);
    return { near, far, link };
  }

  for (const transport of ["raw", "tls"] as const) {
    for (const [first, title] of [
      ["near", "the remote end"],
      ["far", "the tenant's end"],
    ] as const) {
      it(`${transport} at both ends, lose nothing when ${title} half-closes first`, async () => {
        const { link, ...ends } = await linked(behind(transport), behind(transport));
        const [one, other] = first === "near" ? [ends.near, ends.far] : [ends.far, ends.near];
        const [up, down] = [randomBytes(3_000_000), randomBytes(3_000_001)];
        one.end(up);
        expect(sha256(await readAll(other))).to.equal(sha256(up));
        other.end(down);
        expect(sha256(await readAll(one))).to.equal(sha256(down));
        await Promise.all([closedOf(one), closedOf(other), link.closed]);
        while (proxy.tunnels > 0) await new Promise((resolve) => setImmediate(resolve));
      });
    }

    it(`${transport} at the remote end only, lose nothing when that end half-closes first`, async () => {
      const { near, far } = await linked(behind(transport), bench.reach({ legTransport: "raw" }));
      const down = randomBytes(3_000_000);
      near.end("question");
      expect((await readAll(far)).toString()).to.equal("question");
      far.end(down);
      expect(sha256(await readAll(near))).to.equal(sha256(down));
      await Promise.all([closedOf(near), closedOf(far)]);
    });

    for (const cut of ["end", "reset"] as const) {
      it(`${transport} are cut off, and never end in order, at a TCP ${cut} on the way`, async () => {
        const { near, far } = await linked(behind(transport), behind(transport));
        far.write("part");
        expect((await readBytes(near, 4)).toString()).to.equal("part");
        let hasEnded = false;
        for (const end of [near, far]) end.on("end", () => (hasEnded = true)).resume();
        proxy.cut(cut);
        await Promise.all([closedOf(near), closedOf(far)]);
        expect(hasEnded).to.equal(false);
      });
    }
  }
});
