import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { TestLinks, type Tester } from "../../../packages/control/src/cloud/test-links.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { thrown } from "../identity/thrown.ts";
import { FakeLinkPlaces } from "./fake-ports.ts";

const acme: Tester = { kind: "tenant", name: "acme", keyFingerprint: "aa" };
const olga: Tester = { kind: "operator", name: "olga", keyFingerprint: "bb" };

describe("test links", () => {
  let clock: FakeClock;
  let places: FakeLinkPlaces;
  let links: TestLinks;
  beforeEach(() => {
    clock = new FakeClock();
    places = new FakeLinkPlaces();
    links = new TestLinks({
      links: places,
      newLinkId: () => `l-${places.all.length}`,
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    });
  });

  it("count among a tenant's waiting legs, and an operator's among nobody's but its own", () => {
    links.open(acme);
    links.open(olga);
    links.open({ ...olga, name: "acme", keyFingerprint: "cc" });
    expect(places.all.map(({ tenant }) => tenant)).to.deep.equal(["acme", "operator olga", "operator acme"]);
  });

  it("leave nothing behind, however they end", async () => {
    links.open(acme).close({ code: "closed", message: "its legs ended" });
    await Promise.resolve();
    links.open(acme);
    links.open(acme);
    clock.advance(30_000);
    await Promise.resolve();
    links.open(olga);
    links.cutOff("bb");
    links.cutOff("nobody's");
    await Promise.resolve();
    expect(places.all.map(({ closeReason }) => closeReason?.code)).to.deep.equal([
      "closed",
      "superseded",
      "expired",
      "revoked",
    ]);
    expect(links.size).to.equal(0);
    expect(clock.pending).to.equal(0);
  });

  it("pass the rendezvous' refusal on, and remember nothing then", async () => {
    places.failure = new DrawbridgeError("limit-exceeded", "the rendezvous carries 1 links, which is its limit");
    expect(await thrown(() => links.open(acme))).to.equal(places.failure);
    expect(links.size).to.equal(0);
    expect(clock.pending).to.equal(0);
  });
});
