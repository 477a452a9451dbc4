import { expect } from "chai";
import { networkInterfaces } from "node:os";
import { NetworkBench } from "./network-bench.ts";

const hasIpv6Loopback = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);
const suite = hasIpv6Loopback ? describe : describe.skip;
const reason = hasIpv6Loopback ? "" : " (skipped: this machine has no IPv6 loopback)";

suite(`the chain over IPv6${reason}`, function () {
  this.timeout(60_000);
  let bench: NetworkBench;

  before(async () => {
    bench = await NetworkBench.start("[::1]");
    await bench.enrollTenant("acme");
    await bench.enrollOperator("ann");
  });
  after(() => bench[Symbol.asyncDispose]());

  for (const legTransport of ["raw", "tls"]) {
    it(`enrols, connects, and carries links byte for byte, with ${legTransport} legs`, async () => {
      const tenant = await bench.start(["tenant", "run", "--leg-transport", legTransport], "ready");
      const ready = await tenant.waitForEvent("ready");
      expect(ready["gateway"]).to.equal(bench.address);
      const session = await bench.connect("acme", ["--leg-transport", legTransport]);
      await bench.exchange(session);
      await bench.stop(session);
      const { events } = await bench.run(["tenants"]);
      expect(events[0]).to.include({ name: "acme", state: "online" });
      await bench.stop(tenant);
    });
  }
});
