import { chmodSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "@drawbridge/control/store";
import { expect } from "chai";
import { thrown } from "../../unit/identity/thrown.ts";
import { StoreHome } from "./store-home.ts";

describe("opening the store", () => {
  let home: StoreHome;

  beforeEach(async () => {
    home = await StoreHome.make();
  });

  afterEach(() => home[Symbol.asyncDispose]());

  const posix = process.platform === "win32" ? it.skip : it;

  posix("makes all of its files readable by their owner only, with a umask that hides nothing", async () => {
    const umask = process.umask(0);
    const store = await home.open();
    await store.principals.nextEpoch("acme");
    process.umask(umask);
    const modes = ["", "-wal", "-shm"].map((suffix) => statSync(home.path + suffix).mode & 0o777);
    expect(modes).to.deep.equal([0o600, 0o600, 0o600]);
  });

  posix("refuses a file that others may read", async () => {
    await (await home.open()).close();
    chmodSync(home.path, 0o644);
    const error = await thrown(() => home.open());
    expect(error.code).to.equal("home-invalid");
    expect(error.remedy).to.equal(`Run: chmod 600 ${home.path}`);
  });

  it("flushes at each commit and writes ahead", async () => {
    await home.open();
    home.tamper((database) => {
      expect(database.prepare("PRAGMA journal_mode").get()).to.include({ journal_mode: "wal" });
    });
  });

  it("brings an empty file to the newest schema, once", async () => {
    await (await home.open({ now: () => 1 })).close();
    await (await home.open({ now: () => 2 })).close();
    home.tamper((database) => {
      const versions = database.prepare("SELECT version, applied_at FROM schema_version").all();
      expect(versions.map((row) => ({ ...row }))).to.deep.equal([{ version: 1, applied_at: 1 }]);
    });
  });

  it("refuses a database of a newer version, and leaves it as it is", async () => {
    await (await home.open()).close();
    home.tamper((database) => database.exec("INSERT INTO schema_version VALUES (99, 0)"));
    const error = await thrown(() => home.open());
    expect(error.code).to.equal("home-invalid");
    expect(error.message).to.contain("written by a newer drawbridge: its schema is 99");
    expect(error.remedy).to.contain("Update drawbridge");
  });

  it("says that a file is no database, and which directory is missing", async () => {
    writeFileSync(home.path, "hello ".repeat(1_000), { mode: 0o600 });
    const error = await thrown(() => home.open());
    expect(error.code).to.equal("home-invalid");
    expect(error.message).to.contain(home.path).and.to.contain("not a database of Drawbridge");
    const missing = join(dirname(home.path), "no", "store.db");
    expect((await thrown(() => openSqliteStore(missing))).code).to.equal("home-missing");
  });

  it("says so when another process keeps the file locked, and does other work meanwhile", async () => {
    const store = await home.open({ busyTimeoutMs: 200 });
    const other = new DatabaseSync(home.path);
    other.exec("BEGIN IMMEDIATE");
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 1);
    try {
      expect(await thrown(() => store.principals.nextEpoch("acme"))).to.include({ code: "unavailable" });
    } finally {
      clearInterval(counting);
      other.close();
    }
    expect(turns).to.be.greaterThan(0);
    expect(await store.principals.nextEpoch("acme")).to.equal(1);
  });

  it("waits for a lock that is given back, and keeps the order of the writes", async () => {
    const store = await home.open();
    const other = new DatabaseSync(home.path);
    other.exec("BEGIN IMMEDIATE");
    const writing = Promise.all([1, 2, 3].map((at) => store.audit.append("x", {}, at)));
    await new Promise((resolve) => setImmediate(resolve));
    other.exec("COMMIT");
    other.close();
    expect((await writing).map(({ sequence, time }) => [sequence, time])).to.deep.equal([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });

  it("is undone by a close only after the writes that were asked for", async () => {
    const store = await home.open();
    const writing = store.principals.nextEpoch("acme");
    await store.close();
    expect(await writing).to.equal(1);
  });
});
