/** Counts by key, and in all. Holds no entry for a key whose count is zero, so it is as small as what it counts. */
export class CountByKey {
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1);
    this.#total += 1;
  }

  /** Takes back one {@link add} of this key; does nothing when there is none. */
  remove(key: string): void {
    const count = this.of(key);
    if (count === 0) return;
    if (count === 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
    this.#total -= 1;
  }
}
