/** What a group of writes needs from the database. */
export interface GroupedDatabase {
  /** Begins a transaction for writing; waits until the deadline where another process writes. */
  begin(deadline: number): Promise<void>;
  exec(script: string): void;
  /** Whether a transaction is under way: some errors, a full disk for one, end it by themselves. */
  inTransaction(): boolean;
}

interface Write {
  /** Runs the statements; the value goes to who asked. */
  readonly work: () => unknown;
  readonly deadline: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** How many writes share a transaction at most: so long the file is not for other processes. */
const MOST_TOGETHER = 256;

/**
 * Makes writes that wait durable together. A commit waits for the disk, and blocks this process meanwhile; writes that were
 * asked for in the meantime share the next one. Each is still undone alone when it throws (by a savepoint), is durable once
 * its promise resolves, and is done in the order in which it was asked for.
 */
export class GroupCommit {
  readonly #database: GroupedDatabase;
  #waiting: Write[] = [];
  #running: Promise<void> | undefined;

  constructor(database: GroupedDatabase) {
    this.#database = database;
  }

  /** How many writes are not done. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @param deadline until when it waits for other processes, by `performance.now()` */
  write<T>(work: () => T, deadline: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ work, deadline, resolve, reject });
    this.#running ??= this.#run();
    return promise as Promise<T>;
  }

  /** Resolves when all writes so far are done. Never rejects. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Whatever else this turn of the event loop brings shares the commit.
      await new Promise((resolve) => setImmediate(resolve));
      const group = this.#waiting.slice(0, MOST_TOGETHER);
      await this.#commit(group);
      this.#waiting = this.#waiting.slice(group.length);
    }
    this.#running = undefined;
  }

  async #commit(group: readonly Write[]): Promise<void> {
    const outcomes = await this.#together(group);
    // When the transaction as a whole has failed, whose fault it was is found by doing each alone.
    for (const [index, write] of group.entries()) {
      const outcome = outcomes?.[index] ?? (await this.#alone(write));
      if ("error" in outcome) write.reject(outcome.error);
      else write.resolve(outcome.value);
    }
  }

  async #together(group: readonly Write[]): Promise<Outcome[] | undefined> {
    const [first] = group;
    if (first === undefined || group.length === 1) return undefined;
    try {
      // Who asked first waits for other processes for the shortest time.
      await this.#database.begin(first.deadline);
      const outcomes = group.map(({ work }) => this.#inSavepoint(work));
      this.#database.exec("COMMIT");
      return outcomes;
    } catch {
      this.#rollBack();
      return undefined;
    }
  }

  #inSavepoint(work: () => unknown): Outcome {
    this.#database.exec("SAVEPOINT one");
    try {
      const value = work();
      this.#database.exec("RELEASE one");
      return { value };
    } catch (error) {
      if (!this.#database.inTransaction()) throw error;
      this.#database.exec("ROLLBACK TO one; RELEASE one");
      return { error };
    }
  }

  async #alone({ work, deadline }: Write): Promise<Outcome> {
    try {
      await this.#database.begin(deadline);
      const value = work();
      this.#database.exec("COMMIT");
      return { value };
    } catch (error) {
      this.#rollBack();
      return { error };
    }
  }

  #rollBack(): void {
    if (this.#database.inTransaction()) this.#database.exec("ROLLBACK");
  }
}
