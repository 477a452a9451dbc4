import type { Clock, Gateways, Timer } from "@drawbridge/dataplane";

/** When a tenant redirector moves from one gateway to another. */
export interface GatewayMovesOptions {
  gateways: Gateways;
  clock: Clock;
  /** Where the control connection is now, as `host:port`. */
  at: () => string;
  /** Makes a control connection at a place, which takes over. Resolves to whether it did; never rejects. */
  moveTo: (place: string) => Promise<boolean>;
  /** Whether nothing runs that a move could disturb. */
  isIdle: () => boolean;
  /** How long a gateway is kept before a preferred one is looked for, in milliseconds; the wait is drawn from here to twice it. */
  preferAfterMs: number;
  /** Numbers in [0, 1). Default `Math.random`. */
  random?: () => number;
}

/** Between these a gateway is left, whatever a cloud redirector says, in milliseconds: it must not drive a tenant to and fro. */
const SOONEST_MS = 100;
const LATEST_MS = 10 * 60_000;

/** How long to wait where no gateway could be moved to, in milliseconds; drawn from here to twice it. */
const RETRY_MS = 5_000;

/**
 * Moves a control connection to another gateway while the first is still there: when that one is about to stop, and when
 * one that the provider prefers is there again. As long as no other can be had, all stays as it is.
 */
export class GatewayMoves {
  readonly #options: GatewayMovesOptions;
  #timer: Timer | undefined;
  /** Until a renewal that failed is tried again. */
  #renewal: Timer | undefined;
  /** Moves come one after the other. */
  #underWay = Promise.resolve();
  #running = 0;
  #stopped = false;

  constructor(options: GatewayMovesOptions) {
    this.#options = options;
  }

  /** Whether another gateway is being asked now. */
  get isMoving(): boolean {
    return this.#running > 0;
  }

  /** Resolves when no move is under way. Never rejects. */
  settled(): Promise<void> {
    return this.#underWay;
  }

  /** Begins to look for a preferred gateway now and then. */
  start(): void {
    this.#schedule(this.#drawn(this.#options.preferAfterMs), () => this.#preferred(), this.start.bind(this));
  }

  /** The gateway that is there now is about to stop: leaves it after so many milliseconds. */
  leave(afterMs: number): void {
    const again = (): void => this.leave(this.#drawn(RETRY_MS));
    const withinBounds = Math.min(LATEST_MS, Math.max(SOONEST_MS, afterMs));
    this.#schedule(withinBounds, () => this.#others(), again);
  }

  /** Makes another control connection to the same gateway; what was scheduled goes on. */
  renew(): void {
    this.#renewal?.cancel();
    if (this.#stopped) return;
    this.#moveSoon(
      () => Promise.resolve([this.#options.at()]),
      (hasMoved) => {
        if (hasMoved || this.#stopped) return;
        this.#renewal = this.#options.clock.setTimer(this.#drawn(RETRY_MS), () => this.renew());
      },
    );
  }

  /** Moves no more. May be called twice. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#renewal?.cancel();
  }

  /** @param again called where no place could be moved to. */
  #schedule(delayMs: number, places: () => Promise<readonly string[]>, again: () => void): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    const timer = this.#options.clock.setTimer(delayMs, () =>
      this.#moveSoon(places, (hasMoved) => {
        if (hasMoved) this.start();
        // Otherwise something else may have been scheduled meanwhile.
        else if (this.#timer === timer) again();
      }),
    );
    this.#timer = timer;
  }

  /** Moves as soon as no other move is under way. */
  #moveSoon(places: () => Promise<readonly string[]>, over: (hasMoved: boolean) => void): void {
    this.#running += 1;
    this.#underWay = this.#underWay
      .then(() => this.#moveToOneOf(places))
      .then((hasMoved) => {
        this.#running -= 1;
        over(hasMoved);
      });
  }

  async #moveToOneOf(places: () => Promise<readonly string[]>): Promise<boolean> {
    for (const place of await places()) {
      if (this.#stopped) return false;
      if (await this.#options.moveTo(place)) return true;
    }
    return false;
  }

  /** The one that stops comes last: behind its address another one may be there by now. */
  async #others(): Promise<readonly string[]> {
    const { gateways, at } = this.#options;
    gateways.failed(at());
    return gateways.inOrder().catch(() => []);
  }

  async #preferred(): Promise<readonly string[]> {
    const { gateways, at, isIdle } = this.#options;
    return isIdle() ? gateways.preferredTo(at()) : [];
  }

  #drawn(ms: number): number {
    return ms * (1 + (this.#options.random ?? Math.random)());
  }
}
