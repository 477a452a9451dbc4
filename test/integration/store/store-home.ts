import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore, type SqliteStoreOptions, type Store } from "@drawbridge/control/store";

/** A directory with one store file, for one test; it closes what it opened. */
export class StoreHome implements AsyncDisposable {
  readonly path: string;
  readonly #directory: string;
  readonly #stores: Store[] = [];

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, "store.db");
  }

  static async make(): Promise<StoreHome> {
    return new StoreHome(await mkdtemp(join(tmpdir(), "drawbridge-store-")));
  }

  /** Opens the store, also several times at once. */
  async open(options: SqliteStoreOptions = {}): Promise<Store> {
    const store = await openSqliteStore(this.path, options);
    this.#stores.push(store);
    return store;
  }

  /** Runs SQL past the store, as someone with the file in their hands can. */
  tamper(work: (database: DatabaseSync) => void): void {
    const database = new DatabaseSync(this.path, { timeout: 5_000 });
    try {
      work(database);
    } finally {
      database.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores) await store.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
