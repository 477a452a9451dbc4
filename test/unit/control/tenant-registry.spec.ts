import { expect } from "chai";
import fc from "fast-check";
import { TenantRegistry } from "../../../packages/control/src/cloud/tenant-registry.ts";
import { facts, FakeTenantPort } from "./fake-ports.ts";

const acme = { name: "acme", groups: ["retail"], keyFingerprint: "cd".repeat(32) };
const registryWithAcme = (): TenantRegistry => {
  const registry = new TenantRegistry();
  registry.enrolled(acme);
  return registry;
};

describe("tenant registry", () => {
  it("shows an enrolled tenant offline, with what was known when it was last online", () => {
    const registry = new TenantRegistry();
    registry.enrolled(acme, { facts: facts("old/1"), lastSeen: 7 });
    expect(registry.get("acme")?.presence).to.include({ name: "offline", since: 7 });
    expect(registry.get("acme")?.facts?.software).to.equal("old/1");
  });

  it("hands the superseded connection's port to whoever says goodbye to it", () => {
    const registry = registryWithAcme();
    const [first, second] = [new FakeTenantPort(), new FakeTenantPort()];
    expect(registry.online("acme", 1n, first, facts(), 0)).to.equal(undefined);
    expect(registry.online("acme", 2n, second, facts(), 0)).to.equal(first);
  });

  it("keeps the new connection when the old one is cleaned up late", () => {
    const registry = registryWithAcme();
    const second = new FakeTenantPort();
    registry.online("acme", 1n, new FakeTenantPort(), facts(), 0);
    registry.online("acme", 2n, second, facts("new/2"), 1);
    expect(registry.offline("acme", 1n, 2)).to.equal(false);
    expect(registry.get("acme")?.presence).to.deep.equal({ name: "online", since: 1, epoch: 2n, port: second });
  });

  it("refuses an older connection also after the newer one has gone", () => {
    const registry = registryWithAcme();
    registry.online("acme", 2n, new FakeTenantPort(), facts(), 0);
    expect(registry.offline("acme", 2n, 1)).to.equal(true);
    expect(registry.online("acme", 1n, new FakeTenantPort(), facts(), 2)).to.equal("stale");
    expect(registry.get("acme")?.presence.name).to.equal("offline");
  });

  it("knows of free targets what the connection that counts says last, and tells who watches of changes only", () => {
    const registry = registryWithAcme();
    registry.online("acme", 1n, new FakeTenantPort(), facts(), 0);
    registry.online("acme", 2n, new FakeTenantPort(), facts(), 0);
    const told: string[] = [];
    registry.subscribe((name) => told.push(name));
    registry.freeTargetsChanged("acme", 1n, true);
    registry.freeTargetsChanged("acme", 2n, false);
    registry.freeTargetsChanged("bolt", 2n, true);
    expect(told).to.deep.equal([]);
    registry.freeTargetsChanged("acme", 2n, true);
    expect([told, registry.get("acme")?.facts?.freeTargets]).to.deep.equal([["acme"], true]);
    registry.offline("acme", 2n, 1);
    registry.freeTargetsChanged("acme", 2n, false);
    expect(registry.get("acme")?.facts?.freeTargets).to.equal(true);
  });

  it("takes no connection of a tenant that is not enrolled, or no longer", () => {
    const registry = registryWithAcme();
    registry.removed("acme");
    expect(registry.online("acme", 1n, new FakeTenantPort(), facts(), 0)).to.equal("stale");
    expect(registry.list()).to.deep.equal([]);
  });

  it("keeps the connection of a tenant whose record changes", () => {
    const registry = registryWithAcme();
    registry.online("acme", 1n, new FakeTenantPort(), facts(), 0);
    registry.enrolled({ ...acme, groups: ["other"] });
    expect(registry.get("acme")).to.deep.include({ groups: ["other"] });
    expect(registry.get("acme")?.presence.name).to.equal("online");
  });

  it("ends with the newest connection's news, in whatever order the news of several epochs come", () => {
    const news = fc
      .integer({ min: 1, max: 8 })
      .chain((epochs) => {
        const all = Array.from({ length: epochs }, (_, index) => BigInt(index + 1));
        return fc.record({
          order: fc.shuffledSubarray(
            all.flatMap((epoch) => [
              { epoch, kind: "online" as const },
              { epoch, kind: "offline" as const },
            ]),
            { minLength: 1 },
          ),
        });
      })
      .map(({ order }) => order);
    fc.assert(
      fc.property(news, (order) => {
        const registry = registryWithAcme();
        const ports = new Map(order.map(({ epoch }) => [epoch, new FakeTenantPort()]));
        let newest = 0n;
        let isOnline = false;
        for (const { epoch, kind } of order) {
          const port = ports.get(epoch) ?? new FakeTenantPort();
          if (kind === "online") {
            const taken = registry.online("acme", epoch, port, facts(String(epoch)), 0) !== "stale";
            expect(taken).to.equal(epoch > newest);
            if (taken) [newest, isOnline] = [epoch, true];
          } else {
            const wasNews = registry.offline("acme", epoch, 0);
            expect(wasNews).to.equal(epoch === newest && isOnline);
            if (wasNews) isOnline = false;
          }
        }
        const presence = registry.get("acme")?.presence;
        expect(presence?.name).to.equal(isOnline ? "online" : "offline");
        if (presence?.name === "online") expect(presence.port).to.equal(ports.get(newest));
        if (newest > 0n) expect(registry.get("acme")?.facts?.software).to.equal(String(newest));
      }),
      { numRuns: 1_000 },
    );
  });

  it("filters by part of the name in any case, by any of the groups, and by state", () => {
    const registry = registryWithAcme();
    registry.enrolled({ name: "bolt", groups: ["industry", "north"], keyFingerprint: "" });
    registry.online("bolt", 1n, new FakeTenantPort(), facts(), 0);
    const names = (filter: Parameters<TenantRegistry["list"]>[0]): string[] =>
      registry.list(filter).map(({ name }) => name);
    expect(names({})).to.deep.equal(["acme", "bolt"]);
    expect(names({ nameContains: "OL" })).to.deep.equal(["bolt"]);
    expect(names({ groups: ["north", "retail"] })).to.deep.equal(["acme", "bolt"]);
    expect(names({ groups: [] })).to.deep.equal(["acme", "bolt"]);
    expect(names({ groups: ["south"] })).to.deep.equal([]);
    expect(names({ state: "offline" })).to.deep.equal(["acme"]);
    expect(names({ state: "online", nameContains: "a" })).to.deep.equal([]);
  });

  it("tells listeners of each change until they leave, and of nothing that is no change", () => {
    const registry = registryWithAcme();
    const told: string[] = [];
    const leave = registry.subscribe((name) => told.push(name));
    registry.online("acme", 2n, new FakeTenantPort(), facts(), 0);
    registry.online("acme", 1n, new FakeTenantPort(), facts(), 0);
    registry.offline("acme", 1n, 0);
    registry.removed("nobody");
    registry.touched("nobody");
    expect(told).to.deep.equal(["acme"]);
    registry.touched("acme");
    registry.removed("acme");
    expect(told).to.deep.equal(["acme", "acme", "acme"]);
    leave();
    registry.enrolled(acme);
    expect(told).to.have.length(3);
  });
});
