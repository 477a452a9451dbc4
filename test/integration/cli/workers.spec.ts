import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import type { Chain, ListeningSession } from "../../support/chain.ts";
import { openSession, startChain, stopChain } from "../../support/chain.ts";
import { type DrawbridgeProcess, startCli, stopCli } from "../../support/cli.ts";
import { closedOf, dialLoopback, readBytes } from "../../support/dataplane-sockets.ts";
import { childrenOf } from "../../support/processes.ts";
import { type Samples, scrape } from "../watching/exposition.ts";
import { expectBulkUnaltered } from "./bulk.ts";
import { TargetServer } from "./target-server.ts";

const MB = 1024 * 1024;
const WORKERS = 2;

describe("cloud run with data-plane workers", function () {
  this.timeout(60_000);
  const resources = new AsyncDisposableStack();
  const accepted: Socket[] = [];
  let chain: Chain;
  let cloud: DrawbridgeProcess;

  before(async function () {
    if (process.platform !== "linux") return this.skip();
    const target = resources.use(await TargetServer.start((socket) => void accepted.push(socket)));
    const cloudSettings = { workers: WORKERS, metrics: "127.0.0.1:0" };
    chain = await startChain([target.named("rdp")], { cloudSettings });
    // Its cloud redirector ends before, on purpose.
    resources.defer(() => stopChain(chain).catch(() => {}));
    [cloud] = chain.processes as [DrawbridgeProcess];
    await allUp();
  });
  after(() => resources.disposeAsync());

  const workersOf = (process: DrawbridgeProcess): number[] => childrenOf(process.child.pid ?? 0);

  /** Scrapes until it holds. */
  function scrapeUntil(what: string, holds: (samples: Samples) => boolean): Promise<Samples> {
    const metrics = String(cloud.events.find(({ event }) => event === "ready")?.["metrics"]);
    const look = async (): Promise<Samples | undefined> => {
      const samples = await scrape(metrics);
      return holds(samples) ? samples : undefined;
    };
    return until(look, { what, timeoutMs: 20_000, intervalMs: 50 });
  }

  const allUp = (): Promise<Samples> =>
    scrapeUntil("all workers up", (samples) => samples.get("drawbridge_workers") === WORKERS);

  const gone = (pids: readonly number[]): Promise<true> =>
    until(() => Promise.resolve(pids.every((pid) => !existsSync(`/proc/${pid}`)) || undefined), {
      what: `the end of the workers ${pids.join(" ")}`,
      timeoutMs: 20_000,
      intervalMs: 20,
    });

  /** A link of a session, with a byte through it each way: both ends are there. */
  async function link(session: ListeningSession): Promise<{ near: Socket; far: Socket }> {
    const near = await dialLoopback(session.port);
    near.write("?");
    const far = await until(() => Promise.resolve(accepted.shift()), { what: "the link at the target" });
    expect((await readBytes(far, 1)).toString()).to.equal("?");
    far.write("!");
    expect((await readBytes(near, 1)).toString()).to.equal("!");
    return { near, far };
  }

  it("carries a session's link through a worker, whom no signal to a service's processes ends", async () => {
    const workers = workersOf(cloud);
    expect(workers).to.have.length(WORKERS);
    await using session = await openSession(chain);
    const { near, far } = await link(session);
    const samples = await scrapeUntil(
      "the link in a worker",
      (now) => now.get('drawbridge_spliced_links{place="worker"}') === 1,
    );
    expect(samples.get('drawbridge_spliced_links{place="main"}')).to.equal(0);
    for (const pid of workers) for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.kill(pid, signal);
    await expectBulkUnaltered(near, far, 8 * MB);
    await session.process.waitForEvent("link-closed");
    await stopCli(session.process);
    const end = session.process.events.findLast(({ event }) => event === "session-ended");
    expect(end).to.include({ toTenant: 8 * MB + 1, toRemote: 8 * MB + 1 });
    expect(workersOf(cloud)).to.have.members(workers);
  });

  it("replaces a worker that is killed: its links end, the others and all sessions go on", async () => {
    await using session = await openSession(chain);
    const links = [await link(session), await link(session)];
    const [killed = 0, other = 0] = workersOf(cloud);
    process.kill(killed, "SIGKILL");
    const dead = await Promise.race(links.map((one) => closedOf(one.near).then(() => one)));
    const samples = await scrapeUntil("another worker", (now) => now.get("drawbridge_worker_deaths_total") === 1);
    expect(samples.get('drawbridge_sessions{state="open"}')).to.equal(1);
    await allUp();
    expect(workersOf(cloud)).to.include(other).and.not.include(killed);
    expect(cloud.child.tail()).to.match(/worker \d+ died of SIGKILL: 1 links ended with it/);
    for (const one of [...links.filter((one) => one !== dead), await link(session)])
      await expectBulkUnaltered(one.near, one.far, MB);
    for (const { near, far } of links) {
      near.destroy();
      far.destroy();
    }
    await stopCli(session.process);
  });

  it("takes its workers along when it stops, and also when it is killed", async () => {
    const first = workersOf(cloud);
    await stopCli(cloud);
    expect(first.filter((pid) => existsSync(`/proc/${pid}`))).to.deep.equal([]);
    cloud = resources.use(
      await startCli(["cloud", "run", "--listen", chain.address, "--json"], { home: chain.cloudHome }),
    );
    await cloud.waitForEvent("ready");
    await allUp();
    const second = workersOf(cloud);
    expect(second).to.have.length(WORKERS);
    cloud.child.signal("SIGKILL");
    await gone(second);
  });
});
