import { expect } from "chai";
import { RendezvousBench, until } from "../../support/dataplane-rendezvous.ts";
import { TestWorkers } from "../../support/test-workers.ts";

describe("data-plane workers that are none", function () {
  this.timeout(30_000);

  const endOf = async (code: string): Promise<{ why: string; said: string; delays: number[] }> => {
    const program = { command: process.execPath, args: ["-e", code] };
    const test = new TestWorkers(1, { program });
    test.workers.start();
    await test.until(() => test.ended.length === 2);
    await test.workers.close();
    expect(test.ready).to.deep.equal([]);
    const delays = test.ended.map(({ replacedAfterMs }) => replacedAfterMs);
    return { why: test.ended[0]?.why ?? "", said: test.ended[0]?.said ?? "", delays };
  };
  const stay = "setInterval(() => {}, 1000);";

  it("end, are waited for a while, and longer each time", async () => {
    const { why, said, delays } = await endOf('console.error("no such thing"); process.exitCode = 7;');
    expect(why).to.equal("exited with 7");
    expect(said).to.equal("no such thing\n");
    expect(delays).to.deep.equal([250, 500]);
  });

  it("say what is not understood, or are of another version, and are killed", async () => {
    expect((await endOf(`process.send({ kind: "nonsense" }); ${stay}`)).why).to.equal("said what was not understood");
    expect((await endOf(`process.send({ kind: "ready", protocol: 999 }); ${stay}`)).why).to.equal(
      "is of another version",
    );
  });

  it("close their channel, and are killed", async () => {
    expect((await endOf(`process.disconnect(); ${stay}`)).why).to.equal("closed its channel");
  });

  it("cannot be started at all", async () => {
    const test = new TestWorkers(1, { program: { command: "/no/such/program", args: [] } });
    test.workers.start();
    await test.until(() => test.ended.length === 1);
    expect(test.ended[0]?.why).to.match(/^could not be started .*ENOENT/);
    await test.workers.close();
  });
});

describe("data-plane workers and caps in bytes per second", function () {
  this.timeout(30_000);
  let test: TestWorkers;
  let bench: RendezvousBench;

  afterEach(async () => {
    await bench.stop();
    await test.workers.close();
  });

  it("keep a tenant's links together, under its cap", async () => {
    const rate = 1_000_000;
    test = await TestWorkers.start(2, { rates: { perTenant: rate } });
    bench = await RendezvousBench.start({ splicer: test.workers });
    const startedAt = performance.now();
    const all = [await bench.pairedLink("a"), await bench.pairedLink("b"), await bench.pairedLink("c")];
    let received = 0;
    for (const { remote, tenant } of all) {
      tenant.on("data", (chunk: Buffer) => (received += chunk.length));
      remote.write(Buffer.alloc(2_000_000));
    }
    await until(() => received > 2.5 * rate);
    // The burst is a quarter of a second's worth, and each flow reads a buffer's worth before it pays.
    const seconds = (performance.now() - startedAt) / 1000;
    expect(received).to.be.at.most(rate * (seconds + 0.25) + all.length * 256 * 1024);
    process.kill(test.ready[0] ?? 0, "SIGKILL");
    process.kill(test.ready[1] ?? 0, "SIGKILL");
    await test.until(() => test.ended.length === 2);
    expect(test.ended.map(({ links }) => links).toSorted()).to.deep.equal([0, 3]);
  });

  it("are not started under a cap in all", async () => {
    test = await TestWorkers.start(0, { rates: { inAll: 1_000_000 } });
    const capped = new TestWorkers(2, { rates: { inAll: 1_000_000 } });
    capped.workers.start();
    bench = await RendezvousBench.start({ splicer: capped.workers });
    const { link } = await bench.pairedLink("a");
    expect(link.state.kind === "spliced" && link.state.splice.path).to.equal("fast");
    expect(capped.workers.stats()).to.deep.equal({ up: 0, links: 0, deaths: 0 });
  });
});
