import { getEventListeners } from "node:events";
import { expect } from "chai";
import fc from "fast-check";
import { RegistryWatch, type RegistryEvent } from "../../../packages/control/src/cloud/registry-watch.ts";
import { TenantRegistry } from "../../../packages/control/src/cloud/tenant-registry.ts";
import { facts, FakeTenantPort } from "./fake-ports.ts";

const NAMES = ["acme", "bolt", "crux"];

function bench(mayReach: (groups: readonly string[]) => boolean = () => true) {
  const registry = new TenantRegistry();
  for (const name of NAMES) registry.enrolled({ name, groups: [name], keyFingerprint: "" });
  return { registry, watch: new RegistryWatch(registry, mayReach) };
}

function takeAll(watch: RegistryWatch): RegistryEvent[] {
  const events: RegistryEvent[] = [];
  for (let event = watch.take(); event !== undefined; event = watch.take()) events.push(event);
  return events;
}

/** Each event in one word: `snapshot:a,b`, `changed:a`, `removed:a`. */
const inWords = (events: RegistryEvent[]): string[] =>
  events.map((event) => {
    if (event.event === "snapshot") return `snapshot:${event.tenants.map(({ name }) => name).join(",")}`;
    return event.event === "changed" ? `changed:${event.tenant.name}` : `removed:${event.name}`;
  });

let epoch = 0n;
const comeOnline = (registry: TenantRegistry, name: string): unknown =>
  registry.online(name, (epoch += 1n), new FakeTenantPort(), facts(), 0);

describe("registry watch", () => {
  it("begins with a snapshot, also when tenants change before the watch starts", () => {
    const { registry, watch } = bench();
    comeOnline(registry, "acme");
    expect(takeAll(watch)).to.deep.equal([]);
    watch.setFilter({});
    expect(inWords(takeAll(watch))).to.deep.equal(["snapshot:acme,bolt,crux"]);
    comeOnline(registry, "bolt");
    expect(inWords(takeAll(watch))).to.deep.equal(["changed:bolt"]);
  });

  it("waits without work until the watch starts", async () => {
    const { registry, watch } = bench();
    const stop = new AbortController();
    comeOnline(registry, "acme");
    let isReady = false;
    const ready = watch.ready(stop.signal).then(() => (isReady = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isReady).to.equal(false);
    watch.setFilter({});
    await ready;
  });

  it("tells a slow watcher the latest state of each tenant, once", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.boolean()), { maxLength: 200 }), (changes) => {
        const { registry, watch } = bench();
        watch.setFilter({});
        takeAll(watch);
        for (const [name, online] of changes) {
          const presence = registry.get(name)?.presence;
          if (online) comeOnline(registry, name);
          else if (presence?.name === "online") registry.offline(name, presence.epoch, 0);
          else registry.touched(name);
        }
        const events = takeAll(watch);
        expect(events.length).to.equal(new Set(changes.map(([name]) => name)).size);
        for (const event of events) {
          if (event.event !== "changed") throw new Error(`unexpected ${event.event}`);
          expect(event.tenant).to.equal(registry.get(event.tenant.name));
        }
      }),
    );
  });

  it("says removed only of tenants that it has shown", () => {
    const { registry, watch } = bench((groups) => !groups.includes("crux"));
    watch.setFilter({ state: "online" });
    expect(inWords(takeAll(watch))).to.deep.equal(["snapshot:"]);
    registry.removed("bolt");
    comeOnline(registry, "crux");
    expect(inWords(takeAll(watch))).to.deep.equal([]);
    comeOnline(registry, "acme");
    expect(inWords(takeAll(watch))).to.deep.equal(["changed:acme"]);
    registry.removed("acme");
    expect(inWords(takeAll(watch))).to.deep.equal(["removed:acme"]);
    registry.touched("acme");
    expect(inWords(takeAll(watch))).to.deep.equal([]);
  });

  it("says removed of a tenant that stops matching the filter, and changed when it matches again", () => {
    const { registry, watch } = bench();
    comeOnline(registry, "acme");
    watch.setFilter({ state: "online" });
    expect(inWords(takeAll(watch))).to.deep.equal(["snapshot:acme"]);
    registry.offline("acme", epoch, 0);
    expect(inWords(takeAll(watch))).to.deep.equal(["removed:acme"]);
    comeOnline(registry, "acme");
    expect(inWords(takeAll(watch))).to.deep.equal(["changed:acme"]);
  });

  it("answers a new filter with a new snapshot instead of the changes before it", () => {
    const { registry, watch } = bench();
    watch.setFilter({});
    takeAll(watch);
    comeOnline(registry, "bolt");
    watch.setFilter({ nameContains: "b" });
    expect(inWords(takeAll(watch))).to.deep.equal(["snapshot:bolt"]);
    registry.removed("acme");
    expect(inWords(takeAll(watch))).to.deep.equal([]);
  });

  it("ends its wait when the signal fires, and leaves no listener behind however often it waited", async () => {
    const { registry, watch } = bench();
    watch.setFilter({});
    takeAll(watch);
    const stop = new AbortController();
    for (let round = 0; round < 50; round += 1) {
      const ready = watch.ready(stop.signal);
      registry.touched("acme");
      await ready;
      takeAll(watch);
    }
    expect(getEventListeners(stop.signal, "abort")).to.have.length(0);
    const ready = watch.ready(stop.signal);
    stop.abort();
    await ready;
    await watch.ready(stop.signal);
  });

  it("hears nothing any more once it is closed", () => {
    const { registry, watch } = bench();
    watch.setFilter({});
    takeAll(watch);
    watch.close();
    comeOnline(registry, "acme");
    expect(takeAll(watch)).to.deep.equal([]);
  });
});
