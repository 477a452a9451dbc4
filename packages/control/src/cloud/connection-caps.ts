import { CountByKey } from "@drawbridge/dataplane";

/** How many of something may be there. */
export interface Caps {
  /** By key: an address, or a principal's key. */
  perKey: number;
  inAll: number;
}

interface Entry {
  readonly key: string;
  readonly evict: (() => void) | undefined;
}

/** Counts what is there by key and in all, and refuses, or makes room for, what would be too much. Pure state. */
export class ConnectionCaps {
  readonly #caps: Caps;
  readonly #byKey = new CountByKey();
  /** A Set keeps its entries in the order in which they came. */
  readonly #entries = new Set<Entry>();

  constructor(caps: Caps) {
    this.#caps = caps;
  }

  /**
   * Takes one in and returns the function that lets it go again (once, however often it is called); undefined: refused.
   *
   * @param evict makes this one go when there are too many in all and a newer one comes: the oldest goes first, so that a
   *   flood of them only ends itself. Without it, the newer one is refused.
   */
  enter(key: string, evict?: () => void): (() => void) | undefined {
    if (this.#byKey.of(key) >= this.#caps.perKey) return undefined;
    if (this.#entries.size >= this.#caps.inAll && !this.#evictOldest()) return undefined;
    const entry = { key, evict };
    this.#entries.add(entry);
    this.#byKey.add(key);
    return () => this.#leave(entry);
  }

  #evictOldest(): boolean {
    const [oldest] = this.#entries;
    if (oldest?.evict === undefined) return false;
    this.#leave(oldest);
    oldest.evict();
    return true;
  }

  #leave(entry: Entry): void {
    if (this.#entries.delete(entry)) this.#byKey.remove(entry.key);
  }
}
