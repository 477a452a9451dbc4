import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { openSession, startChain, stopChain } from "../../support/chain.ts";
import type { Chain } from "../../support/chain.ts";
import { expectCli, stopCli } from "../../support/cli.ts";
import { dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { peerSuite } from "../../support/peer-suite.ts";
import { DENY } from "../tenant/consent-chain.ts";
import { TargetServer } from "../cli/target-server.ts";
import { ask, namesOf, samplesOf, scrape, type Samples } from "./exposition.ts";
import { promtool } from "./promtool.ts";

const SENT_BYTES = 100_000;
/** What end-to-end TLS adds to a link of this size at most: handshake, and a frame for each 16 KiB. */
const TLS_BYTES = 20_000;

const ROOT = new URL("../../../", import.meta.url);

describe("metrics of the cloud redirector", function () {
  this.timeout(120_000);
  const resources = new AsyncDisposableStack();
  let chain: Chain;
  let address: string;
  let target: TargetServer;

  before(async () => {
    target = resources.use(await TargetServer.start((socket) => socket.pipe(socket)));
    chain = await startChain([target.named("rdp")], { cloudSettings: { metrics: "127.0.0.1:0" } });
    const ready = chain.processes[0]?.events.find(({ event }) => event === "ready");
    address = String(ready?.["metrics"]);
  });

  after(async () => {
    await stopChain(chain);
    await resources.disposeAsync();
  });

  /** Scrapes until it holds. */
  const scrapeUntil = (what: string, holds: (samples: Samples) => boolean): Promise<Samples> =>
    until(
      async () => {
        const samples = await scrape(address);
        return holds(samples) ? samples : undefined;
      },
      { what, timeoutMs: 20_000, intervalMs: 50 },
    );

  it("tell who is there, and what has happened, before the first session", async () => {
    const samples = await scrape(address);
    expect(samples.get('drawbridge_tenants{state="online"}')).to.equal(1);
    expect(samples.get('drawbridge_tenants{state="offline"}')).to.equal(0);
    expect(samples.get("drawbridge_control_connections_total")).to.equal(1);
    expect(samples.get('drawbridge_enrolments_total{kind="tenant"}')).to.equal(1);
    expect(samples.get('drawbridge_enrolments_total{kind="operator"}')).to.equal(1);
    expect(samples.get("drawbridge_sessions_requested_total")).to.equal(0);
    expect(samples.get('drawbridge_limits_hit_total{limit="sessions"}')).to.equal(0);
    const dayMs = 86_400_000;
    const serverExpiry = samples.get('drawbridge_certificate_expiry_timestamp_seconds{certificate="server"}') ?? 0;
    expect(serverExpiry * 1000).to.be.greaterThan(Date.now() + 30 * dayMs);
  });

  it("count a session, its link and the link's bytes, while they are there and after", async () => {
    const before = await scrape(address);
    await using session = await openSession(chain);
    const client = await dialLoopback(session.port);
    client.write(Buffer.alloc(SENT_BYTES));
    const carried = (samples: Samples, direction: string): number =>
      (samples.get(`drawbridge_link_bytes_total{direction="${direction}"}`) ?? 0) -
      (before.get(`drawbridge_link_bytes_total{direction="${direction}"}`) ?? 0);
    const during = await scrapeUntil("the bytes of a link that runs", (now) => carried(now, "to_tenant") >= SENT_BYTES);
    expect(during.get('drawbridge_sessions{state="open"}')).to.equal(1);
    expect(during.get('drawbridge_links{state="spliced"}')).to.equal(1);
    client.end();
    await readAll(client);
    await session.process.waitForEvent("link-closed");
    await stopCli(session.process);
    const after = await scrapeUntil(
      "the session's end",
      (now) => (now.get('drawbridge_sessions_ended_total{reason="closed"}') ?? 0) === 1,
    );
    expect(after.get("drawbridge_sessions_requested_total")).to.equal(1);
    expect(after.get("drawbridge_sessions_opened_total")).to.equal(1);
    expect(after.get('drawbridge_sessions{state="open"}')).to.equal(0);
    expect(after.get('drawbridge_links{state="spliced"}')).to.equal(0);
    expect(after.get("drawbridge_links_requested_total")).to.equal(1);
    expect(after.get("drawbridge_links_paired_total")).to.equal(1);
    expect(after.get('drawbridge_links_ended_total{reason="closed"}')).to.equal(1);
    for (const direction of ["to_tenant", "to_remote"])
      expect(carried(after, direction), direction).to.be.within(SENT_BYTES, SENT_BYTES + TLS_BYTES);
    for (const step of ["consent", "first_leg", "paired", "first_byte"])
      expect(after.get(`drawbridge_setup_seconds_count{step="${step}"}`), step).to.equal(1);
    const sum = (step: string): number => after.get(`drawbridge_setup_seconds_sum{step="${step}"}`) ?? 0;
    expect(sum("first_leg")).to.be.at.most(sum("paired"));
    expect(sum("paired")).to.be.at.most(sum("first_byte"));
  });

  it("count refusals by their reasons", async () => {
    await using unknown = await chain.connect(["--target", "nothing", "--client", "none"]);
    await unknown.child.exited;
    const refused = await scrape(address);
    expect(refused.get('drawbridge_sessions_refused_total{reason="target-not-found"}')).to.equal(1);
    expect(refused.get('drawbridge_calls_refused_total{reason="target-not-found"}')).to.equal(1);
    await writeFile(join(chain.tenantHome, "tenant", "policy.yaml"), DENY);
    await expectCli(["tenant", "reload", "--home", chain.tenantHome], { home: chain.tenantHome });
    await using denied = await chain.connect(["--client", "none", "--listen", "127.0.0.1:0"]);
    await denied.child.exited;
    const after = await scrape(address);
    expect(after.get('drawbridge_sessions_refused_total{reason="consent-refused"}')).to.equal(1);
    expect(after.get("drawbridge_sessions_requested_total")).to.equal(3);
    expect(after.get("drawbridge_sessions_opened_total")).to.equal(1);
  });

  it("name no tenant, operator, target or address, and hold no more labels than there are", async () => {
    const { text } = await ask(address, "/metrics");
    for (const name of [chain.tenantName, chain.operatorName, chain.address, "rdp"]) expect(text).not.to.contain(name);
    const ours = [...samplesOf(text).keys()].filter((name) => name.startsWith("drawbridge_"));
    expect(ours.length).to.be.lessThan(400);
  });

  it("are not on the public port", async () => {
    const client = await dialLoopback(Number(chain.address.slice(chain.address.lastIndexOf(":") + 1)));
    const answer = readAll(client).catch(() => Buffer.alloc(0));
    client.write("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
    expect((await answer).toString()).to.equal("");
    client.destroy();
  });

  peerSuite("as Prometheus sees them", ["promtool"], () => {
    it("are named by its conventions", async () => {
      const { text } = await ask(address, "/metrics");
      expect(await promtool(["check", "metrics"], text)).to.equal("");
    });

    it("have alert rules that it can read, and that fire when something is wrong and only then", async () => {
      const rules = new URL("deploy/prometheus/alerts.yaml", ROOT).pathname;
      expect(await promtool(["check", "rules", rules])).to.equal("");
      expect(await promtool(["test", "rules", new URL("alerts.test.yaml", import.meta.url).pathname])).to.equal("");
    });
  });

  it("hold every metric that the alert rules and the dashboard name", async () => {
    const { GATEWAY_METRICS } = await import("../../../packages/console-cli/src/commands/gateway-metrics.ts");
    const { text } = await ask(address, "/metrics");
    const known = namesOf(text).union(new Set(Object.keys(GATEWAY_METRICS)));
    for (const file of ["deploy/prometheus/alerts.yaml", "deploy/grafana/drawbridge.json"]) {
      const named = (await readFile(new URL(file, ROOT), "utf8")).matchAll(/\b(?:drawbridge|process|nodejs)_\w+/g);
      const names = [...named].map(([name]) => name.replace(/_(bucket|sum|count)$/, ""));
      expect(names.length, file).to.be.greaterThan(10);
      expect(
        names.filter((name) => !known.has(name)),
        file,
      ).to.deep.equal([]);
    }
  });
});
