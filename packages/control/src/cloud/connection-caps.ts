import { CountByKey } from "@drawbridge/dataplane";

/** How many of something may be there. */
export interface Caps {
  /** By key: an address, or a principal's key. */
  perKey: number;
  inAll: number;
}

/** Counts what is there by key and in all, and refuses what would be too much. Pure state. */
export class ConnectionCaps {
  readonly #caps: Caps;
  readonly #count = new CountByKey();

  constructor(caps: Caps) {
    this.#caps = caps;
  }

  /** Takes one in and returns the function that lets it go again (once, however often it is called); undefined: refused. */
  enter(key: string): (() => void) | undefined {
    if (this.#count.of(key) >= this.#caps.perKey || this.#count.total >= this.#caps.inAll) return undefined;
    this.#count.add(key);
    let inside = true;
    return () => {
      if (inside) this.#count.remove(key);
      inside = false;
    };
  }
}
