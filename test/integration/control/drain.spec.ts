import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { CloudBench } from "./cloud-bench.ts";

describe("draining the cloud redirector", () => {
  let bench: CloudBench;
  let acme: EnrolledIdentity;
  let olga: EnrolledIdentity;
  beforeEach(async () => {
    bench = await CloudBench.start();
    acme = await bench.enrolTenant("acme");
    olga = await bench.enrolOperator("olga");
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  async function openSession() {
    const tenant = await bench.tenant(acme);
    return { tenant, ...(await bench.session(tenant, olga)) };
  }

  it("tells the tenant, takes no new session, and is over when the last open session is", async () => {
    const { tenant, operator } = await openSession();
    let over = false;
    const drained = bench.cloud.drain(60_000).then(() => (over = true));
    expect(Number((await tenant.next("drain")).within?.seconds)).to.equal(60);
    const ending = await operator.next("ending");
    expect(Number(ending.within?.seconds)).to.be.within(59, 60);
    expect(ending.reason?.code).to.equal("shutting-down");
    const { error } = await bench.operator(olga).end();
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "shutting-down");
    expect(over).to.equal(false);
    operator.goodbye();
    await drained;
    expect(over).to.equal(true);
  });

  it("tells the operator whose session the tenant lets in meanwhile", async () => {
    const tenant = await bench.tenant(acme);
    const operator = bench.operator(olga);
    const { sessionId } = await tenant.next("sessionOffer");
    const drained = bench.cloud.drain(60_000);
    await tenant.next("drain");
    tenant.accept(sessionId);
    await operator.next("opened");
    expect(Number((await operator.next("ending")).within?.seconds)).to.be.within(1, 60);
    operator.goodbye();
    await drained;
  });

  it("is over at its deadline where a session stays open, and leaves ending it to the stop", async () => {
    const { operator } = await openSession();
    await bench.cloud.drain(1);
    await operator.next("ending");
    const [ended] = await Promise.all([operator.next("ended"), bench.stop()]);
    expect(ended.reason?.code).to.equal("shutting-down");
  });

  it("is over at once where no session is open", async () => {
    await bench.tenant(acme);
    await bench.cloud.drain(60_000);
  });
});
