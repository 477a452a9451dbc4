import { expect } from "chai";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../../../scripts/demo/until.ts";
import type { CheckedLink } from "../../support/checked-flow.ts";
import { stopCli } from "../../support/cli.ts";
import { BLACK_HOLE, bothWays, type FaultConnection } from "../../support/fault-connection.ts";
import type { FlowFaults } from "../../support/faulty-flow.ts";
import type { ProcessResources } from "../../support/process-resources.ts";
import { expectRunning, FaultBench, type FaultySession, PLACES } from "./fault-bench.ts";

const KB = 1024;
const WHOLE = ["whole", "whole"];

/** Faults under which every byte still has to come, and how much is sent each way. */
const SLOW: Record<string, { faults: FlowFaults; bytes: number }> = {
  "latency and jitter": { faults: { latencyMs: 20, jitterMs: 20 }, bytes: 256 * KB },
  "pieces of one byte": { faults: { pieceBytes: 1 }, bytes: 8 * KB },
  throttling: { faults: { bytesPerSecond: 400 * KB }, bytes: 256 * KB },
};

describe("links under faults between two roles", function () {
  this.timeout(60_000);
  let bench: FaultBench;
  let atFirst: Record<"cloud" | "tenant", ProcessResources>;
  let shared: FaultySession;

  before(async function () {
    if (process.platform !== "linux") return this.skip();
    bench = await FaultBench.start();
    // What is made on first use is there before anything is counted.
    await using session = await bench.session();
    const link = await bench.link(session, { bytes: 64 * KB });
    expect(await link.outcome()).to.deep.equal(WHOLE);
    await session[Symbol.asyncDispose]();
    await bench.noSessions();
    atFirst = await bench.resources();
  });
  after(async () => bench[Symbol.asyncDispose]());

  for (const place of PLACES) {
    for (const [name, { faults, bytes }] of Object.entries(SLOW)) {
      it(`${name} between ${place}: every byte comes, through half-closes`, async () => {
        bench.set(place, bothWays(faults));
        await using session = await bench.session();
        const links = [await bench.link(session, { bytes }), await bench.link(session, { bytes: bytes / 2 })];
        for (const link of links) expect(await link.outcome()).to.deep.equal(WHOLE);
        bench.set(place);
        expectRunning(...bench.chain.processes);
      });
    }
  }

  before(async () => (shared = await bench.session()));

  for (const place of PLACES) {
    it(`an outage of half a second between ${place}: every byte comes`, async () => {
      const link = await bench.link(shared, { pauseMs: 5 });
      await bench.flows(link);
      bench.set(place, BLACK_HOLE);
      await delay(500);
      const before = link.forth.received;
      bench.set(place);
      await until(() => link.forth.received > before || undefined, { what: "bytes after the outage" });
      expect(await link.finish()).to.deep.equal(WHOLE);
      expectRunning(...bench.chain.processes, shared.process);
    });

    const cuts: Record<string, (connection: FaultConnection) => void> = {
      "a reset": (connection) => connection.reset(),
      "a cut in the middle of a record": (connection) =>
        connection.set(bothWays({ cutAfterBytes: Math.min(connection.passed.forth, connection.passed.back) + 1_000 })),
    };
    for (const [name, cut] of Object.entries(cuts)) {
      it(`${name} of one link between ${place}: both its ends know, and the other link is whole`, async () => {
        const { survivor, victim } = await twoLinks(shared);
        cut(bench.links(place).at(-1)!);
        expect(await victim.outcome()).to.deep.equal(["broken", "broken"]);
        await bench.flows(survivor);
        expect(await survivor.finish()).to.deep.equal(WHOLE);
        expectRunning(...bench.chain.processes, shared.process);
      });
    }

    it(`a direction lost of one link between ${place}: the other link is whole, and the session's end frees all`, async () => {
      await using session = await bench.session();
      const survivor = await bench.link(session, { pauseMs: 5 });
      await bench.flows(survivor);
      const victim = await bench.link(session, { pauseMs: 5 });
      await bench.flows(victim);
      bench
        .links(place)
        .at(-1)!
        .set({ forth: { lossy: true } });
      await bench.flows(survivor);
      expect(await survivor.finish()).to.deep.equal(WHOLE);
      await stopCli(session.process);
      bench.links(place).at(-1)?.reset();
      expect(await victim.outcome()).to.not.include("altered");
    });
  }

  async function twoLinks(session: FaultySession): Promise<{ survivor: CheckedLink; victim: CheckedLink }> {
    const survivor = await bench.link(session, { pauseMs: 5 });
    await bench.flows(survivor);
    const victim = await bench.link(session, { pauseMs: 5 });
    await bench.flows(victim);
    return { survivor, victim };
  }

  it("leaves the cloud and the tenant redirector with as many descriptors and timers as at first", async () => {
    await stopCli(shared.process);
    await shared[Symbol.asyncDispose]();
    await bench.noSessions();
    await bench.holdsNoMoreThan(atFirst);
  });
});
