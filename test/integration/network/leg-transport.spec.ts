import { expect } from "chai";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import { dialLoopback, closedOf } from "../../support/dataplane-sockets.ts";
import { TlsOnlyMiddlebox } from "../../support/tls-only-middlebox.ts";
import { NetworkBench } from "./network-bench.ts";

describe("legs behind something that lets only TLS through", function () {
  this.timeout(60_000);
  const resources = new AsyncDisposableStack();
  let bench: NetworkBench;
  /** The operator's. */
  let middlebox: TlsOnlyMiddlebox;
  let tenant: DrawbridgeProcess;

  before(async () => {
    bench = resources.use(await NetworkBench.start());
    middlebox = resources.use(await TlsOnlyMiddlebox.start(bench.address, "resets"));
    const tenants = resources.use(await TlsOnlyMiddlebox.start(bench.address, "resets"));
    await bench.enrollTenant("acme");
    await bench.enrollOperator("ann");
    await bench.readdress("tenant", tenants.name);
    tenant = await bench.start(["tenant", "run"], "ready");
  });
  beforeEach(async () => {
    // A session tells the console where else the provider is; each test starts behind the middlebox.
    await bench.readdress("operator", middlebox.name);
  });
  after(() => resources.disposeAsync());

  for (const treatment of ["resets", "swallows"] as const) {
    it(`get through by themselves where it ${treatment}, and later ones at once`, async () => {
      middlebox.treatment = treatment;
      const session = await bench.connect("acme");
      await bench.exchange(session);
      const { stopped } = middlebox.seen;
      expect(stopped).to.be.greaterThan(0);
      await bench.exchange(session);
      await bench.exchange(session);
      expect(middlebox.seen.stopped, "raw legs that were tried again").to.equal(stopped);
      await bench.stop(session);
    });
  }

  it("work at once with --leg-transport tls, from the home's setting too", async () => {
    middlebox.treatment = "swallows";
    const { stopped } = middlebox.seen;
    const session = await bench.connect("acme", ["--leg-transport", "tls"]);
    await bench.exchange(session);
    await bench.stop(session);
    await bench.run(["operator", "network", "--leg-transport", "tls"]);
    await bench.readdress("operator", middlebox.name);
    const other = await bench.connect("acme");
    await bench.exchange(other);
    await bench.stop(other);
    expect(middlebox.seen.stopped).to.equal(stopped);
    expect(tenant.child.exit, "the tenant still runs").to.equal(undefined);
  });

  for (const treatment of ["resets", "swallows"] as const) {
    it(`say what is the matter with --leg-transport raw where it ${treatment}`, async () => {
      middlebox.treatment = treatment;
      const session = await bench.connect("acme", ["--leg-transport", "raw"]);
      const { port } = await session.waitForEvent("listening");
      const socket = await dialLoopback(Number(port));
      const { message } = await session.waitForEvent("link-closed", { timeoutMs: 40_000 });
      expect(message).to.contain(`nothing came back on the raw leg to ${middlebox.name}`);
      await closedOf(socket);
      await bench.stop(session);
    });
  }
});
