import type { RpcChannel } from "@drawbridge/control/rpc";
import { type Clock, systemClock, type Timer } from "@drawbridge/dataplane";

const EVERY_MS = 10_000;
const WITHIN_MS = 5_000;

/** How long the provider takes to answer, measured again and again by a small call. */
export class RoundTrip {
  readonly #channel: Pick<RpcChannel, "answers">;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #isStopped = false;
  #ms: number | undefined;

  constructor(channel: Pick<RpcChannel, "answers">, clock: Clock = systemClock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  /** The newest, in whole milliseconds; undefined before the first, and after one that had no answer within 5 s. */
  get ms(): number | undefined {
    return this.#ms;
  }

  /** Measures now, and every 10 s from now on. */
  start(): void {
    void this.#measure();
  }

  /** Measures no more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #measure(): Promise<void> {
    const startedAt = this.#clock.now();
    const isAnswered = await this.#channel.answers(WITHIN_MS);
    this.#ms = isAnswered ? Math.round(this.#clock.now() - startedAt) : undefined;
    if (!this.#isStopped) this.#timer = this.#clock.setTimer(EVERY_MS, () => void this.#measure());
  }
}
