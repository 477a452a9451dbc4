import type { FlowOutcome } from "../../support/checked-flow.ts";

/** What a soak has seen, to be printed at its end. */
export class Tally {
  readonly faults: string[] = [];
  readonly counts: Record<string, number> = {};
  #calmSince: number | undefined;

  add(what: string, count = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + count;
  }

  /** Something that must never be; the soak fails with it. */
  fault(text: string): void {
    if (this.faults.length < 100) this.faults.push(`${new Date().toISOString()} ${text}`);
  }

  /** From now on nothing is disturbed on purpose. */
  calm(): void {
    this.#calmSince = performance.now();
  }

  disturbed(): void {
    this.#calmSince = undefined;
  }

  /** Names the calm that is now; undefined while something is disturbed on purpose. */
  get era(): number | undefined {
    return this.#calmSince;
  }

  /** @param era when its session began; undefined also for one that was broken on purpose */
  ended(outcome: FlowOutcome, era: number | undefined, bytes: number): void {
    this.add(`flows ${outcome}`);
    this.add("bytes", bytes);
    if (outcome === "wrong") this.fault("a link delivered a wrong byte, or a part for the whole");
    if (outcome === "broken" && era !== undefined && era === this.#calmSince) {
      this.fault("a link broke although nothing was disturbed");
    }
  }
}
