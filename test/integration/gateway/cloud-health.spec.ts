import { formatAddress } from "@drawbridge/dataplane";
import { expect } from "chai";
import { until } from "../../support/dataplane-rendezvous.ts";
import { closedOf, readBytes } from "../../support/dataplane-sockets.ts";
import type { CloudStub } from "./cloud-stub.ts";
import { CHECKS, GatewayBench, PREFACE } from "./gateway-bench.ts";

describe("cloud gateway: which cloud redirector it passes connections on to", () => {
  let bench: GatewayBench;

  beforeEach(() => {
    bench = new GatewayBench();
  });
  afterEach(() => bench.stop());

  const newsOf = (stub: CloudStub): string[] =>
    bench.news.filter((line) => line.startsWith(formatAddress(stub.address))).map((line) => line.replace(/^\S+ /, ""));

  it("uses the first of several that is up, and each connection stays where it is", async () => {
    const [first, second] = [await bench.cloud(), await bench.cloud()];
    await bench.start([first, second]);
    const before = await bench.leg(first);
    await first.refuse();
    const moved = await bench.leg(second);
    expect(newsOf(first)).to.deep.equal(["up", "down dial-failed"]);
    await first.listenAgain();
    bench.clock.advance(CHECKS.retryEveryMs);
    await until(() => newsOf(first).length === 3);
    await bench.leg(first);
    for (const { client, arrived } of [before, moved]) {
      client.write("still here");
      expect((await readBytes(arrived, 10)).toString()).to.equal("still here");
    }
    expect(newsOf(first)).to.deep.equal(["up", "down dial-failed", "up"]);
    expect(newsOf(second)).to.deep.equal(["up"]);
  });

  it("finds out by a check that one does not serve: dead, hanging, or without trust in this gateway", async () => {
    const [dead, good] = [await bench.cloud(), await bench.cloud()];
    const [hanging, distrusting] = [await bench.cloud("hangs"), await bench.cloud("trusts nobody")];
    await dead.stop();
    const started = bench.start([dead, hanging, distrusting, good]);
    await until(() => hanging.checks === 1 && bench.news.length === 3);
    bench.clock.advance(CHECKS.timeoutMs);
    await started;
    expect([dead, hanging, distrusting, good].map(newsOf)).to.deep.equal([
      ["down dial-failed"],
      ["down unavailable"],
      ["down permission-denied"],
      ["up"],
    ]);
    await bench.leg(good);
  });

  it("finds out between connections that one hangs, and that it has come to", async () => {
    const [first, second] = [await bench.cloud(), await bench.cloud()];
    await bench.start([first, second]);
    first.manner = "hangs";
    bench.clock.advance(CHECKS.checkEveryMs);
    await until(() => first.checks === 2 && second.checks === 2 && second.open === 0);
    bench.clock.advance(CHECKS.timeoutMs);
    await until(() => newsOf(first).length === 2);
    expect(newsOf(first)).to.deep.equal(["up", "down unavailable"]);
    await bench.leg(second);
    first.manner = "serves";
    bench.clock.advance(CHECKS.retryEveryMs);
    await until(() => newsOf(first).length === 3);
    await bench.leg(first);
  });

  it("lets clients wait while none is up, and refuses who has waited as long as a dial may take", async () => {
    const stub = await bench.cloud();
    await stub.refuse();
    await bench.start([stub]);
    const client = await bench.dialFrom();
    client.write(PREFACE);
    await until(() => bench.gateway.stats().connections === 1);
    bench.clock.advance(CHECKS.timeoutMs);
    await closedOf(client);
    expect(bench.refusalCodes).to.deep.equal(["unavailable"]);
    const patient = bench.leg(stub);
    await until(() => bench.gateway.stats().connections === 1);
    await stub.listenAgain();
    bench.clock.advance(CHECKS.retryEveryMs);
    await patient;
    expect(newsOf(stub)).to.deep.equal(["down dial-failed", "up"]);
  });

  it("says each change once, however many connections meet it", async () => {
    const [first, second] = [await bench.cloud(), await bench.cloud()];
    await bench.start([first, second]);
    await first.refuse();
    const clients = await Promise.all(Array.from({ length: 20 }, () => bench.dialFrom()));
    for (const client of clients) client.write(PREFACE);
    await Promise.all(clients.map(() => second.next()));
    for (let count = 0; count < 3; count += 1) {
      bench.clock.advance(CHECKS.retryEveryMs);
      await until(() => bench.clock.pending >= 2);
    }
    expect(newsOf(first)).to.deep.equal(["up", "down dial-failed"]);
    expect(bench.refusals).to.deep.equal([]);
  });
});
