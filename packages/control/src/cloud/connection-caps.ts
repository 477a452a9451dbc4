/** How many of something may be there. */
export interface Caps {
  /** By key: an address, or a principal's key. */
  perKey: number;
  inAll: number;
}

/** Counts what is there by key and in all, and refuses what would be too much. Pure state. */
export class ConnectionCaps {
  readonly #caps: Caps;
  readonly #byKey = new Map<string, number>();
  #total = 0;

  constructor(caps: Caps) {
    this.#caps = caps;
  }

  /** Takes one in and returns the function that lets it go again (once, however often it is called); undefined: refused. */
  enter(key: string): (() => void) | undefined {
    const count = this.#byKey.get(key) ?? 0;
    if (count >= this.#caps.perKey || this.#total >= this.#caps.inAll) return undefined;
    this.#byKey.set(key, count + 1);
    this.#total += 1;
    let inside = true;
    return () => {
      if (inside) this.#leave(key);
      inside = false;
    };
  }

  #leave(key: string): void {
    const count = this.#byKey.get(key) ?? 0;
    if (count <= 1) this.#byKey.delete(key);
    else this.#byKey.set(key, count - 1);
    this.#total -= 1;
  }
}
