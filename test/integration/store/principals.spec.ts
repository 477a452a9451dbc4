import type { Store, TenantSeen } from "@drawbridge/control/store";
import { expect } from "chai";
import { thrown } from "../../unit/identity/thrown.ts";
import { enrol } from "./enrol.ts";
import { StoreHome } from "./store-home.ts";

const SEEN: TenantSeen = {
  software: "drawbridge/0.1.0",
  hostName: "desk",
  platform: "linux x64",
  sourceAddress: "192.0.2.7",
  targets: [{ name: "rdp", address: "127.0.0.1:3389" }],
  lastSeen: 5_000,
};

describe("principals in the store", () => {
  let home: StoreHome;
  let store: Store;

  beforeEach(async () => {
    home = await StoreHome.make();
    store = await home.open();
  });

  afterEach(() => home[Symbol.asyncDispose]());

  it("are found by kind and name, and listed in the order of their names", async () => {
    await enrol(store, { kind: "tenant", name: "b" });
    await enrol(store, { kind: "tenant", name: "a" });
    await enrol(store, { kind: "operator", name: "a", role: "viewer" });
    expect((await store.principals.list("tenant")).map(({ name }) => name)).to.deep.equal(["a", "b"]);
    expect((await store.principals.find("operator", "a"))?.role).to.equal("viewer");
    expect(await store.principals.find("operator", "b")).to.equal(undefined);
  });

  it("stay known after the store was closed and opened again", async () => {
    await enrol(store, { kind: "tenant", name: "acme", groups: ["berlin"] });
    const before = await store.principals.find("tenant", "acme");
    await store.close();
    expect(await (await home.open()).principals.find("tenant", "acme")).to.deep.equal(before);
  });

  it("are revoked once, with the time of the first revocation", async () => {
    await enrol(store, { kind: "tenant", name: "acme" });
    expect(await store.principals.setRevoked("tenant", "acme", 10)).to.equal(true);
    expect(await store.principals.setRevoked("tenant", "acme", 20)).to.equal(true);
    const record = await store.principals.find("tenant", "acme");
    expect(record?.state).to.equal("revoked");
    expect(record?.revokedAt).to.equal(10);
    expect(await store.principals.setRevoked("operator", "acme", 10)).to.equal(false);
  });

  it("are renewed only while active and only with the enrolled key", async () => {
    const { keyFingerprint } = await enrol(store, { kind: "tenant", name: "acme" });
    const renew = (key: string, serial: string): Promise<void> =>
      store.principals.recordRenewal("tenant", "acme", { keyFingerprint: key, certificateSerial: serial });
    await renew(keyFingerprint, "aa");
    expect((await store.principals.find("tenant", "acme"))?.certificateSerial).to.equal("aa");
    expect((await thrown(() => renew("other", "bb"))).code).to.equal("unauthenticated");
    await store.principals.setRevoked("tenant", "acme", 10);
    expect((await thrown(() => renew(keyFingerprint, "cc"))).code).to.equal("revoked");
    expect((await store.principals.find("tenant", "acme"))?.certificateSerial).to.equal("aa");
  });

  it("remember what a tenant last said of itself, also through a new enrolment", async () => {
    await enrol(store, { kind: "tenant", name: "acme" });
    await store.principals.recordTenantSeen("acme", { ...SEEN, software: "old", lastSeen: 1 });
    await store.principals.recordTenantSeen("acme", SEEN);
    expect((await enrol(store, { kind: "tenant", name: "acme" })).kind).to.equal("tenant");
    expect((await store.principals.find("tenant", "acme"))?.seen).to.deep.equal(SEEN);
  });

  it("give each control connection a larger epoch, also after a restart and from two processes' connections", async () => {
    const second = await home.open();
    const epochs = [
      await store.principals.nextEpoch("acme"),
      await second.principals.nextEpoch("acme"),
      await store.principals.nextEpoch("acme"),
    ];
    await store.close();
    epochs.push(await (await home.open()).principals.nextEpoch("acme"));
    expect(epochs).to.deep.equal([1, 2, 3, 4]);
    expect(await second.principals.nextEpoch("other")).to.equal(1);
  });

  it("are no longer answered for by a closed store, which may be closed twice", async () => {
    await store.close();
    await store.close();
    expect((await thrown(() => store.principals.list("tenant"))).code).to.equal("closed");
  });
});
