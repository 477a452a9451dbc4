import type { Store } from "@drawbridge/control/store";
import { GENESIS_HASH } from "@drawbridge/control/store";
import { expect } from "chai";
import fc from "fast-check";
import { thrown } from "../../unit/identity/thrown.ts";
import { StoreHome } from "./store-home.ts";

describe("the audit log in the store", () => {
  let home: StoreHome;
  let store: Store;

  beforeEach(async () => {
    home = await StoreHome.make();
    store = await home.open();
  });

  afterEach(() => home[Symbol.asyncDispose]());

  it("is intact when empty", async () => {
    expect(await store.audit.verify()).to.deep.equal({ state: "intact", records: 0, headHash: GENESIS_HASH });
  });

  it("gives back each record as it was appended, numbered from 1", async () => {
    const first = await store.audit.append("tenant-enrolled", { tenant: "acme", details: { from: "192.0.2.7" } }, 10);
    const second = await store.audit.append("session-opened", { tenant: "acme", operator: "ann" }, 20);
    expect(first).to.include({ sequence: 1, time: 10, operator: "", detailsJson: '{"from":"192.0.2.7"}' });
    expect(second).to.include({ sequence: 2, event: "session-opened", operator: "ann", detailsJson: "{}" });
    expect(await store.audit.read()).to.deep.equal([first, second]);
    const { hash } = second;
    expect(await store.audit.verify()).to.deep.equal({ state: "intact", records: 2, headHash: hash });
  });

  it("keeps any details, whatever the text in them, and stays intact", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), async (details) => {
        const record = await store.audit.append("session-opened", { details }, 1);
        const [read] = await store.audit.read({ afterSequence: record.sequence - 1 });
        expect(read).to.deep.equal(record);
      }),
    );
    await store.audit.append("session-opened", { tenant: "\ud800", operator: "a\0b", details: { x: "\udfff" } }, 1);
    expect((await store.audit.verify()).state).to.equal("intact");
  });

  it("is read in pages, by time, tenant and operator", async () => {
    for (let at = 1; at <= 6; at += 1) {
      const tenant = at % 2 === 0 ? "even" : "odd";
      await store.audit.append("session-opened", { tenant, operator: at > 3 ? "ann" : "bob" }, at);
    }
    const sequences = async (filter: Parameters<Store["audit"]["read"]>[0]): Promise<number[]> =>
      (await store.audit.read(filter)).map(({ sequence }) => sequence);
    expect(await sequences({ limit: 2 })).to.deep.equal([1, 2]);
    expect(await sequences({ limit: 2, afterSequence: 2 })).to.deep.equal([3, 4]);
    expect(await sequences({ since: 5 })).to.deep.equal([5, 6]);
    expect(await sequences({ tenant: "even" })).to.deep.equal([2, 4, 6]);
    expect(await sequences({ tenant: "even", operator: "ann", afterSequence: 4 })).to.deep.equal([6]);
    expect(await sequences({ afterSequence: 6 })).to.deep.equal([]);
    expect((await thrown(() => sequences({ limit: 1_001 }))).code).to.equal("invalid-argument");
  });

  it("refuses records that may not be written, and goes on after them", async () => {
    const append = (event: string, subject: object): Promise<unknown> => store.audit.append(event, subject, 1);
    expect((await thrown(() => append("Not Kebab", {}))).code).to.equal("invalid-argument");
    expect((await thrown(() => append("x", { tenant: "a".repeat(65) }))).code).to.equal("limit-exceeded");
    expect((await thrown(() => append("x", { details: { a: "a".repeat(65_536) } }))).code).to.equal("limit-exceeded");
    await append("x", {});
    expect(await store.audit.verify()).to.include({ state: "intact", records: 1 });
  });

  it("keeps one chain when two connections append in turn and side by side", async () => {
    const other = await home.open();
    await Promise.all(Array.from({ length: 40 }, (_, at) => (at % 3 === 0 ? other : store).audit.append("x", {}, at)));
    expect(await other.audit.verify()).to.include({ state: "intact", records: 40 });
  });

  it("is verified to its end while records are appended", async () => {
    for (let at = 0; at < 1_200; at += 1) await store.audit.append("x", {}, at);
    const verifying = store.audit.verify();
    for (let at = 0; at < 10; at += 1) {
      await store.audit.append("y", {}, at);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const verification = await verifying;
    expect(verification.state).to.equal("intact");
  });

  it("stops verifying when the signal is aborted", async () => {
    expect((await thrown(() => store.audit.verify(AbortSignal.abort()))).code).to.equal("cancelled");
  });

  for (const statement of [
    "UPDATE audit SET event = 'y'",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE sequence = 2",
    "INSERT OR REPLACE INTO audit VALUES (1, 1, 'y', '', '', '{}', 'h')",
    "INSERT INTO audit VALUES (9, 1, 'y', '', '', '{}', 'h')",
    "UPDATE audit_head SET sequence = 1",
    "UPDATE audit_head SET hash = 'h'",
    "DELETE FROM audit_head",
    "INSERT OR REPLACE INTO audit_head VALUES (1, 0, 'h')",
  ]) {
    it(`is append-only: refuses ${statement}`, async () => {
      await store.audit.append("x", {}, 1);
      await store.audit.append("x", {}, 2);
      home.tamper((database) => {
        expect(() => database.exec(statement)).to.throw(/append-only/);
      });
      expect(await store.audit.verify()).to.include({ state: "intact", records: 2 });
    });
  }
});
