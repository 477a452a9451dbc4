import { expect } from "chai";
import { SqliteDatabase } from "../../../packages/control/src/store/sqlite/sqlite-database.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";

describe("store writes that wait together", () => {
  let folder: TemporaryFolder;
  let database: SqliteDatabase;
  beforeEach(async () => {
    folder = await TemporaryFolder.create("group-commit");
    database = await SqliteDatabase.open(folder.file("store.db"));
    await database.write((sql) => sql.run("CREATE TABLE things (name TEXT PRIMARY KEY) STRICT"));
  });
  afterEach(async () => {
    await database.close();
    await folder[Symbol.asyncDispose]();
  });

  const add = (name: string): Promise<number> =>
    database.write((sql) => sql.run("INSERT INTO things (name) VALUES (?)", name));
  const names = (): Promise<unknown[]> =>
    database.read((sql) => sql.all("SELECT name FROM things ORDER BY rowid").map(({ name }) => name));

  it("are done in order, more of them than one transaction takes", async () => {
    const wanted = Array.from({ length: 700 }, (_, index) => `n${index}`);
    await Promise.all(wanted.map(add));
    expect(await names()).to.deep.equal(wanted);
  });

  it("are undone alone when they fail, with all that they had written", async () => {
    const failing = database.write((sql) => {
      sql.run("INSERT INTO things (name) VALUES (?)", "undone");
      throw new RangeError("on purpose");
    });
    const outcomes = await Promise.allSettled([add("a"), failing, add("a"), add("b")]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(await names()).to.deep.equal(["a", "b"]);
  });

  it("are done each alone where one of them ends the transaction of all", async () => {
    const ending = (name: string): Promise<number> =>
      database.write((sql) => sql.run("INSERT OR ROLLBACK INTO things (name) VALUES (?)", name));
    const outcomes = await Promise.allSettled([add("a"), ending("a"), add("b")]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected", "fulfilled"]);
    expect(await names()).to.deep.equal(["a", "b"]);
  });

  it("are all done by a close that was asked for after them", async () => {
    const both = [add("a"), add("b")];
    await database.close();
    await Promise.all(both);
    database = await SqliteDatabase.open(folder.file("store.db"));
    expect(await names()).to.deep.equal(["a", "b"]);
  });
});
