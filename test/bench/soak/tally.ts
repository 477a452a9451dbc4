import type { FlowOutcome } from "../../support/checked-flow.ts";

/** What is known of a flow that is over. */
interface FlowEnd {
  readonly era: number | undefined;
  readonly mayBeShort: boolean;
  readonly bytes: number;
}

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

  /**
   * @param era when its session began; undefined also for one that was broken on purpose
   * @param mayBeShort whether the process at the flow's end was killed
   */
  ended(outcome: FlowOutcome, { era, mayBeShort, bytes }: FlowEnd): void {
    this.add(`flows ${outcome}`);
    this.add("bytes", bytes);
    if (outcome === "altered") this.fault("a link delivered a wrong byte");
    if (outcome === "short" && !mayBeShort) this.fault(`a link ended in order after ${bytes} bytes that were not all`);
    if (outcome === "broken" && era !== undefined && era === this.#calmSince) {
      this.fault("a link broke although nothing was disturbed");
    }
  }
}
