import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { enrolTenants, ManyTenants } from "./many-tenants.ts";
import { Provider } from "./provider.ts";

const TENANTS = 500;
const RATE = /\d+ tenants came in a second; \d+ are online/g;
/** As the issue has it. */
const BACK_WITHIN_MS = 30_000;

describe(`a cloud redirector that is killed with ${TENANTS} tenants connected`, function () {
  this.timeout(150_000);
  let provider: Provider;
  let tenants: ManyTenants;
  before(async () => {
    provider = await Provider.init();
    const identities = await enrolTenants(provider.folder("cloud"), provider.address, TENANTS);
    await provider.run();
    await provider.enrolOperator();
    tenants = await ManyTenants.start(identities);
    await allOnline();
  });
  after(async () => {
    await tenants[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  });

  const allOnline = async (): Promise<void> => {
    const look = async (): Promise<true | undefined> => (await provider.online()).length === TENANTS || undefined;
    await until(look, { what: "all tenants online", timeoutMs: 60_000, intervalMs: 500 });
  };

  it("has all of them back and listed within 30 s of its return, and they do not come in a herd", async () => {
    await provider.kill();
    tenants.connectedAt.length = 0;
    const cloud = await provider.run();
    const rates = new Set<string>();
    // Only the last lines of its log are kept, and each tenant has one.
    const look = setInterval(() => {
      for (const [rate] of cloud.child.tail().matchAll(RATE)) rates.add(rate);
    }, 100);
    const returnedAt = performance.now();
    await allOnline().finally(() => clearInterval(look));
    expect(performance.now() - returnedAt).to.be.lessThan(BACK_WITHIN_MS);
    expect(tenants.connectedAt).to.have.length.at.least(TENANTS);
    const sorted = tenants.connectedAt.toSorted((a, b) => a - b);
    const [first = 0, middle = 0] = [sorted[0], sorted[TENANTS / 2]];
    // Not all at once: the first half alone takes a while.
    expect(middle - first).to.be.greaterThan(300);
    expect(sorted.filter((at) => at - first < 500)).to.have.length.lessThan(TENANTS * 0.8);
    expect(rates.size).to.be.greaterThan(0);
  });
});
