import type { SessionEnd, SessionStarted, Store } from "@drawbridge/control/store";
import { expect } from "chai";
import { thrown } from "../../unit/identity/thrown.ts";
import { StoreHome } from "./store-home.ts";

const started = (id: string, startedAt: number, tenant = "acme", operator = "ann"): SessionStarted => ({
  id,
  operator,
  tenant,
  target: "rdp",
  reason: "printer \u0000 \u{1f5a8}",
  ticket: "T-1",
  sourceAddress: "192.0.2.7",
  startedAt,
});
const END: SessionEnd = { endedAt: 50, closeCode: "closed", bytesToTenant: 2 ** 40, bytesToRemote: 7 };

describe("the session history in the store", () => {
  let home: StoreHome;
  let store: Store;

  beforeEach(async () => {
    home = await StoreHome.make();
    store = await home.open();
  });

  afterEach(() => home[Symbol.asyncDispose]());

  it("keeps how sessions began and ended", async () => {
    await store.sessions.started(started("s1", 10));
    expect(await store.sessions.history()).to.deep.equal([{ ...started("s1", 10), end: undefined }]);
    await store.sessions.ended("s1", END);
    expect(await store.sessions.history()).to.deep.equal([{ ...started("s1", 10), end: END }]);
  });

  it("keeps the first end, and knows nothing of a session that never began", async () => {
    await store.sessions.started(started("s1", 10));
    await store.sessions.ended("s1", END);
    await store.sessions.ended("s1", { ...END, closeCode: "revoked" });
    await store.sessions.ended("s2", END);
    expect((await store.sessions.history()).map(({ end }) => end?.closeCode)).to.deep.equal(["closed"]);
  });

  it("shows the newest first, in pages, by tenant and operator", async () => {
    await store.sessions.started(started("s1", 10));
    await store.sessions.started(started("s2", 20, "other"));
    await store.sessions.started(started("s3", 30, "acme", "bob"));
    const ids = async (filter: Parameters<Store["sessions"]["history"]>[0]): Promise<string[]> =>
      (await store.sessions.history(filter)).map(({ id }) => id);
    expect(await ids({})).to.deep.equal(["s3", "s2", "s1"]);
    expect(await ids({ limit: 2 })).to.deep.equal(["s3", "s2"]);
    expect(await ids({ startedBefore: 20 })).to.deep.equal(["s1"]);
    expect(await ids({ tenant: "acme" })).to.deep.equal(["s3", "s1"]);
    expect(await ids({ tenant: "acme", operator: "ann" })).to.deep.equal(["s1"]);
    expect((await thrown(() => ids({ limit: 0 }))).code).to.equal("invalid-argument");
  });

  it("ends what was open when the cloud redirector died", async () => {
    await store.sessions.started(started("s1", 10));
    await store.sessions.started(started("s2", 20));
    await store.sessions.ended("s1", END);
    expect(await store.sessions.endAbandoned(60, "internal")).to.equal(1);
    expect(await store.sessions.endAbandoned(70, "internal")).to.equal(0);
    const ends = (await store.sessions.history()).map(({ end }) => end);
    expect(ends).to.deep.equal([{ endedAt: 60, closeCode: "internal", bytesToTenant: 0, bytesToRemote: 0 }, END]);
  });
});
