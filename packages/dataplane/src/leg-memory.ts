import type { Clock } from "./clock.ts";

/** How legs are carried: as they are, or inside of TLS to the cloud redirector. */
export type LegTransport = "raw" | "tls";

/** A place where only TLS got through is tried raw again after this long, in milliseconds: half an hour. */
export const RAW_AGAIN_MS = 30 * 60 * 1000;

/** More places than any list of gateways has. */
const MAX_PLACES = 64;

/** Where legs had to be carried inside of TLS lately. Pure state. */
export class LegMemory {
  readonly #clock: Clock;
  /** By place: until when TLS is the first choice. In the order in which they were learnt. */
  readonly #tlsUntil = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is tried first at a place. */
  firstChoice(place: string): LegTransport {
    return (this.#tlsUntil.get(place) ?? -Infinity) > this.#clock.now() ? "tls" : "raw";
  }

  /** A leg got through by TLS where a raw one had not. */
  onlyTlsWorked(place: string): void {
    this.#tlsUntil.delete(place);
    this.#tlsUntil.set(place, this.#clock.now() + RAW_AGAIN_MS);
    const [oldest] = this.#tlsUntil.keys();
    if (this.#tlsUntil.size > MAX_PLACES && oldest !== undefined) this.#tlsUntil.delete(oldest);
  }

  /** A raw leg got through, or TLS does not any more. */
  forget(place: string): void {
    this.#tlsUntil.delete(place);
  }
}
