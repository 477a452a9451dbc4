import type { Clock, Timer } from "./clock.ts";
import { nodeErrorCode } from "./node-error.ts";

/** One try to reach one address. */
export interface Attempt<Connection> {
  readonly connected: Promise<Connection>;
  /** Gives the attempt up. Called once, also after it failed or was connected too late. */
  abandon(): void;
}

/** RFC 8305's Connection Attempt Delay, in milliseconds. */
export const ATTEMPT_DELAY_MS = 250;

/** Errors of this machine's own network. They say less than what any address answered. */
const LOCAL_ERRORS = new Set(["ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "ENETDOWN", "EINVAL"]);

/**
 * Tries addresses in order, each {@link ATTEMPT_DELAY_MS} after the one before, or at once when that one failed. Earlier
 * attempts stay alive; the first that connects wins and the others are abandoned: Happy Eyeballs (RFC 8305, section 5).
 *
 * Node's own `autoSelectFamily` is not that: it drops an attempt when its time is over and goes on to the next, so a host
 * behind a slow line is reached only by the last of its addresses (nodejs/node#54359).
 */
export class ConnectionRace<Connection> {
  /** The first connection. Rejects with the most telling error when all attempts have failed. */
  readonly winner: Promise<Connection>;
  readonly #winner = Promise.withResolvers<Connection>();
  readonly #addresses: readonly string[];
  readonly #start: (address: string) => Attempt<Connection>;
  readonly #clock: Clock;
  readonly #running = new Set<Attempt<Connection>>();
  readonly #errors: unknown[] = [];
  #next = 0;
  #timer: Timer | undefined;
  #isOver = false;

  /** Starts the first attempt. At least one address. */
  constructor(addresses: readonly string[], start: (address: string) => Attempt<Connection>, clock: Clock) {
    this.#addresses = addresses;
    this.#start = start;
    this.#clock = clock;
    this.winner = this.#winner.promise;
    this.#startNext();
  }

  /** Gives all attempts up; `winner` never settles then. Does nothing once there is one. */
  abandon(): void {
    this.#end(undefined);
  }

  #startNext(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const address = this.#addresses[this.#next];
    if (address === undefined) return;
    this.#next += 1;
    const attempt = this.#start(address);
    this.#running.add(attempt);
    attempt.connected.then(
      (connection) => this.#won(attempt, connection),
      (error: unknown) => this.#failed(attempt, error),
    );
    if (this.#next < this.#addresses.length) {
      this.#timer = this.#clock.setTimer(ATTEMPT_DELAY_MS, () => this.#startNext());
    }
  }

  #won(attempt: Attempt<Connection>, connection: Connection): void {
    if (this.#isOver) return;
    this.#end(attempt);
    this.#winner.resolve(connection);
  }

  #failed(attempt: Attempt<Connection>, error: unknown): void {
    if (this.#isOver) return;
    this.#running.delete(attempt);
    attempt.abandon();
    this.#errors.push(error);
    this.#startNext();
    if (this.#running.size > 0) return;
    this.#end(undefined);
    this.#winner.reject(mostTelling(this.#errors));
  }

  #end(winner: Attempt<Connection> | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    for (const attempt of this.#running) if (attempt !== winner) attempt.abandon();
    this.#running.clear();
  }
}

/** The first error that an address answered with; else the first of all. Always an Error. */
function mostTelling(errors: readonly unknown[]): Error {
  const told = errors.find((error) => !LOCAL_ERRORS.has(nodeErrorCode(error) ?? "")) ?? errors[0];
  return told instanceof Error ? told : new Error("no address could be dialled", { cause: told });
}
