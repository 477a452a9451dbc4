import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { systemClock, type Clock, type Timer } from "./clock.ts";
import { abortError, DrawbridgeError, toDrawbridgeError } from "./errors.ts";

/** The other way of a raw leg that may not get through. */
export interface SecondWay {
  /** Dials the leg anew inside of TLS, with the same token: one that never arrived is unspent. */
  readonly dial: (signal: AbortSignal) => Promise<Socket>;
  /** Told which way the end-to-end handshake went through. */
  readonly worked: (way: "raw" | "tls") => void;
}

/** What is known of a raw leg. */
interface RawLeg {
  /** Where it leads, as `host:port`. */
  readonly place: string;
  /** Undefined where raw legs are all that may be tried. */
  readonly second: SecondWay | undefined;
  /** What the connection had received before it was a leg: a proxy's answer. */
  readonly bytesBefore: number;
}

/** A raw leg on which nothing has come back for so long is taken for one that does not get through, in milliseconds. */
export const SILENT_LEG_MS = 3_000;

const rawLegs = new WeakMap<Socket, RawLeg>();

/** Says of a raw leg where it leads, and which other way there is. */
export function setLegWays(leg: Socket, place: string, second: SecondWay | undefined): void {
  rawLegs.set(leg, { place, second, bytesBefore: leg.bytesRead });
}

/** Under what {@link overEitherWay} runs a handshake. */
export interface EitherWayOptions {
  readonly signal?: AbortSignal;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * Runs the end-to-end handshake over a leg; where the leg is raw and nothing comes back on it, over a second leg inside
 * of TLS as well. The first handshake that succeeds wins.
 *
 * There is no answer to a preface, so the other end's first byte is the one sign that a leg got through: nobody but a
 * paired leg's peer can make it come. A leg that ends without it, or is silent for {@link SILENT_LEG_MS}, is not given up
 * but joined by a second one with the same token. If the first had arrived after all, the rendezvous refuses the second,
 * and nothing is lost; if not, the token is unspent.
 *
 * @throws what the handshake over the first leg throws
 */
export async function overEitherWay(
  leg: Socket,
  options: EitherWayOptions,
  handshake: (leg: Socket, signal: AbortSignal) => Promise<TLSSocket>,
): Promise<TLSSocket> {
  const raw = rawLegs.get(leg);
  const never = new AbortController().signal;
  if (raw === undefined) return handshake(leg, options.signal ?? never);
  return new EitherWay(leg, raw, options, handshake).run();
}

class EitherWay {
  readonly #leg: Socket;
  readonly #raw: RawLeg;
  readonly #options: EitherWayOptions;
  readonly #handshake: (leg: Socket, signal: AbortSignal) => Promise<TLSSocket>;
  readonly #firstAbort = new AbortController();
  readonly #secondAbort = new AbortController();
  #second: Promise<TLSSocket> | undefined;
  #timer: Timer | undefined;

  constructor(
    leg: Socket,
    raw: RawLeg,
    options: EitherWayOptions,
    handshake: (leg: Socket, signal: AbortSignal) => Promise<TLSSocket>,
  ) {
    this.#leg = leg;
    this.#raw = raw;
    this.#options = options;
    this.#handshake = handshake;
  }

  async run(): Promise<TLSSocket> {
    const { signal, clock = systemClock } = this.#options;
    const onAbort = (): void => {
      if (signal === undefined) return;
      const reason = abortError(signal);
      this.#firstAbort.abort(reason);
      this.#secondAbort.abort(reason);
    };
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
    const first = this.#handshake(this.#leg, this.#firstAbort.signal);
    try {
      if (this.#raw.second === undefined) return await first;
      const silent = Promise.withResolvers<undefined>();
      this.#timer = clock.setTimer(SILENT_LEG_MS, () => silent.resolve(undefined));
      const early = await Promise.race([first, silent.promise]);
      if (early !== undefined) return this.#won("raw", early);
      return await this.#race(first);
    } catch (error) {
      return await this.#afterFailure(toDrawbridgeError(error));
    } finally {
      this.#timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** The time is over in which something should have come back on the first leg. */
  async #race(first: Promise<TLSSocket>): Promise<TLSSocket> {
    if (!this.#isSilent()) return this.#won("raw", await first);
    const ways = [
      first.then((stream) => ({ way: "raw", stream }) as const),
      this.#startSecond().then((stream) => ({ way: "tls", stream }) as const),
    ];
    const { way, stream } = await Promise.any(ways).catch(async () => ({ way: "raw", stream: await first }) as const);
    return this.#won(way, stream);
  }

  async #afterFailure(error: DrawbridgeError): Promise<TLSSocket> {
    const { signal } = this.#options;
    if (signal?.aborted === true || this.#second !== undefined || !this.#didNotGetThrough(error)) throw error;
    if (this.#raw.second === undefined) throw this.#isSilent() ? this.#rawOnly(error) : error;
    try {
      return this.#won("tls", await this.#startSecond());
    } catch (cause) {
      if (this.#secondAbort.signal.aborted) throw abortError(this.#secondAbort.signal);
      throw new DrawbridgeError(error.code, error.message, { remedy: error.remedy, cause });
    }
  }

  #startSecond(): Promise<TLSSocket> {
    const { signal } = this.#secondAbort;
    const { second } = this.#raw;
    if (second === undefined) throw new DrawbridgeError("internal", "the leg has no second way");
    this.#second = second.dial(signal).then((leg) => this.#handshake(leg, signal));
    return this.#second;
  }

  #won(way: "raw" | "tls", stream: TLSSocket): TLSSocket {
    const other = new DrawbridgeError("cancelled", "the other leg got through");
    if (way === "raw") this.#secondAbort.abort(other);
    else this.#firstAbort.abort(other);
    // The one that loses may have been through as well, too late.
    if (way === "raw")
      this.#second?.then(
        (late) => late.destroy(),
        () => {},
      );
    this.#raw.second?.worked(way);
    return stream;
  }

  #isSilent(): boolean {
    return this.#leg.bytesRead <= this.#raw.bytesBefore;
  }

  /** Besides a leg that ends or is silent: one on which somebody else answers, such as a firewall's page. */
  #didNotGetThrough({ code }: DrawbridgeError): boolean {
    if (code === "protocol-violation") return true;
    return (code === "closed" || code === "handshake-timeout") && this.#isSilent();
  }

  #rawOnly({ code, message, cause }: DrawbridgeError): DrawbridgeError {
    return new DrawbridgeError(code, `${message}; nothing came back on the raw leg to ${this.#raw.place}`, {
      remedy: "If a firewall on the way lets only TLS through, use --leg-transport auto or tls.",
      cause,
    });
  }
}
