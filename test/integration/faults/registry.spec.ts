import { expect } from "chai";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { until } from "../../../scripts/demo/until.ts";
import type { CheckedLink } from "../../support/checked-flow.ts";
import { stopCli } from "../../support/cli.ts";
import { closedOf, dialLoopback, readBytes } from "../../support/dataplane-sockets.ts";
import { BLACK_HOLE, type Faults } from "../../support/fault-connection.ts";
import { connectBehindFront, TenantBehindFront } from "./behind-front.ts";
import { expectRunning, FaultBench } from "./fault-bench.ts";

/** What the requirement says. */
const WITHIN_MS = 20_000;
const RETURN_MS = 45_000;

/** Faults that leave a connection standing, by the name of the tenant that has them. */
const SILENT: Record<string, Faults> = {
  "black-hole": BLACK_HOLE,
  "loses-what-it-says": { forth: { lossy: true } },
  "hears-nothing": { back: { lossy: true } },
};

describe("the registry under faults between the redirectors and the cloud", function () {
  this.timeout(150_000);
  const resources = new AsyncDisposableStack();
  let bench: FaultBench;
  let folder: TemporaryFolder;
  const tenants: TenantBehindFront[] = [];

  before(async function () {
    if (process.platform !== "linux") return this.skip();
    bench = resources.use(await FaultBench.start());
    folder = resources.use(await TemporaryFolder.create("faults"));
    const target = `127.0.0.1:${bench.target.address.port}`;
    for (const name of Object.keys(SILENT)) {
      tenants.push(
        resources.use(await TenantBehindFront.start(bench.chain, { name, home: folder.file(name), target })),
      );
      await bench.sees("online", 30_000, name);
    }
  });
  after(() => resources.disposeAsync());

  it(`shows tenants whose connection stands but is dead as offline within 20 s, and as online once it lives`, async () => {
    await using session = await bench.session();
    const link = await bench.link(session, { pauseMs: 20 });
    await bench.flows(link);
    // The chain's own tenant loses its control connection the same way, and has a link open.
    const hurt = [
      ...tenants.map(({ name, front }) => ({ name, front, faults: SILENT[name] })),
      { name: bench.chain.tenantName, front: bench.tenantFront, faults: BLACK_HOLE },
    ];
    const begin = performance.now();
    for (const { front, faults } of hurt) front.set(faults);
    const left = (): number => WITHIN_MS - (performance.now() - begin);
    await Promise.all(hurt.map(({ name }) => bench.sees("offline", left(), name)));
    console.log(`      known after ${((performance.now() - begin) / 1_000).toFixed(1)} s`);

    const lifted = performance.now();
    for (const { front } of hurt) front.set();
    await Promise.all(hurt.map(({ name }) => bench.sees("online", RETURN_MS, name)));
    console.log(`      back after ${((performance.now() - lifted) / 1_000).toFixed(1)} s`);
    // The link lost nothing, so it lives on in the session that the tenant announced anew.
    await bench.flows(link);
    expect(await link.finish()).to.deep.equal(["whole", "whole"]);
    const another = await bench.link(session, { bytes: 50_000 });
    expect(await another.outcome()).to.deep.equal(["whole", "whole"]);
    expectRunning(...bench.chain.processes, ...tenants.map((tenant) => tenant.process), session.process);
    await stopCli(session.process);
  });

  it("ends the sessions of operators whose connection stands but is dead within 20 s, at both ends", async () => {
    const connects = [];
    for (const name of Object.keys(SILENT)) {
      const connect = await connectBehindFront(bench.chain, folder.file(`operator-${name}`));
      resources.use(connect.front);
      resources.use(connect.process);
      connects.push({ ...connect, name, faults: SILENT[name] });
    }
    const services = [];
    for (const { port } of connects) {
      const client = await dialLoopback(port);
      client.write("x");
      const service = await bench.target.next();
      // Once the byte is there the link is up, and no second one is made in its place.
      await readBytes(service, 1);
      services.push(service);
    }
    const begin = performance.now();
    for (const { front, faults } of connects) front.set(faults);
    const closed = services.map((service) => closedOf(service));
    // The cloud redirector has ended the sessions, and the tenant redirector the connections to the target.
    await bench.noSessions(WITHIN_MS);
    await Promise.all(closed);
    // What the operator is told, by each of them.
    for (const { process, name } of connects) {
      const { code } = await process.ended();
      const error = process.events.findLast(({ event }) => event === "error");
      console.log(`      ${name}: exit code ${code}, ${String(error?.["message"])}`);
      expect([4, 5], process.child.tail()).to.include(code);
    }
    const tookMs = performance.now() - begin;
    console.log(`      all over after ${(tookMs / 1_000).toFixed(1)} s`);
    expect(tookMs).to.be.below(WITHIN_MS);
  });

  it("follows resets, and a cloud redirector that cannot be dialled for a while, and opens links again", async () => {
    await using session = await bench.session();
    const lost: CheckedLink = await bench.link(session, { pauseMs: 20 });
    await bench.flows(lost);
    await bench.tenantFront.refuse();
    bench.tenantFront.reset();
    await bench.sees("offline", WITHIN_MS);
    expect(await lost.outcome()).to.deep.equal(["broken", "broken"]);
    await bench.tenantFront.accept();
    await bench.sees("online", RETURN_MS);
    const link = await bench.link(session, { bytes: 50_000 });
    expect(await link.outcome()).to.deep.equal(["whole", "whole"]);
    await stopCli(session.process);
  });

  it("ends a session whose operator's connections are reset", async () => {
    await using session = await bench.session();
    const lost = await bench.link(session, { pauseMs: 20 });
    await bench.flows(lost);
    bench.remoteFront.reset();
    expect(await lost.outcome()).to.deep.equal(["broken", "broken"]);
    await bench.noSessions(WITHIN_MS);
    const { code } = await session.process.ended();
    expect([4, 5], session.process.child.tail()).to.include(code);
    expectRunning(...bench.chain.processes);
    await until(() => bench.remoteFront.counts().open === 0 || undefined, { what: "no connection of the operator" });
  });
});
