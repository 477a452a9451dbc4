import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_KEEP_ALIVE, SERVER_KEEP_ALIVE } from "@drawbridge/control/rpc";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import { startCli } from "../../support/cli.ts";
import { Provider } from "./provider.ts";

/** The design's rule: a dead peer is known within so many milliseconds. */
const KNOWN_WITHIN_MS = 20_000;
/** For processes on a machine that has much else to do. */
const LATE_MS = 5_000;

describe("a frozen peer", function () {
  this.timeout(120_000);
  let provider: Provider;
  let tenant: DrawbridgeProcess;
  let watch: DrawbridgeProcess;
  before(async () => {
    provider = await Provider.init();
    await provider.run();
    await provider.enrolOperator();
    await provider.enrolTenant("rdp=127.0.0.1:9");
    await setKeepAlive({ interval: "1s", timeout: "1s" });
    tenant = await provider.runTenant();
    watch = await startCli(["tenants", "--watch", "--json"], { home: provider.home });
    await shown("online", 0);
  });
  after(async () => {
    for (const process of [watch, tenant]) await process.stop();
    await provider[Symbol.asyncDispose]();
  });

  /** Gives the tenant's home a keep-alive of its own. */
  async function setKeepAlive(keepAlive: object): Promise<void> {
    const file = join(provider.folder("tenant"), "settings.json");
    const settings = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...settings, keepAlive }));
  }

  /** Resolves once the watch has shown acme in a state, after so many of its lines. */
  function shown(state: string, after: number): Promise<true> {
    const look = (): true | undefined => watch.events.slice(after).some((row) => row["state"] === state) || undefined;
    return until(look, { what: `acme ${state} in the watch`, timeoutMs: 60_000, intervalMs: 20 });
  }

  it("is known within 20 s by default", () => {
    for (const { intervalMs, timeoutMs } of [DEFAULT_KEEP_ALIVE, SERVER_KEEP_ALIVE]) {
      expect(intervalMs + timeoutMs).to.be.lessThan(KNOWN_WITHIN_MS);
    }
  });

  it("is a tenant, which its registry entry shows; it is back when it goes on", async () => {
    const frozenAt = performance.now();
    const lines = watch.events.length;
    tenant.child.signal("SIGSTOP");
    await shown("offline", lines);
    expect(performance.now() - frozenAt).to.be.lessThan(KNOWN_WITHIN_MS + LATE_MS);
    const before = watch.events.length;
    tenant.child.signal("SIGCONT");
    await shown("online", before);
    expect(tenant.child.tail()).to.include("slept or stood still");
  });

  it("is a tenant that was killed, which is known at once", async () => {
    const lines = watch.events.length;
    const killedAt = performance.now();
    tenant.child.signal("SIGKILL");
    await shown("offline", lines);
    expect(performance.now() - killedAt).to.be.lessThan(LATE_MS);
    tenant = await provider.runTenant();
  });

  it("is a cloud redirector, which its tenants leave, and come back to when it goes on", async () => {
    const frozenAt = performance.now();
    const { length: before } = tenant.events;
    const later = (event: Readonly<Record<string, unknown>>): boolean => tenant.events.indexOf(event) >= before;
    provider.cloud.child.signal("SIGSTOP");
    await tenant.waitForEvent("disconnected", { where: later });
    // As its own settings say: 2 s.
    expect(performance.now() - frozenAt).to.be.lessThan(2_000 + LATE_MS);
    provider.cloud.child.signal("SIGCONT");
    await tenant.waitForEvent("connected", { where: later, timeoutMs: 60_000 });
  });
});
