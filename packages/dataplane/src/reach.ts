import type { Socket } from "node:net";
import { formatAddress, type Address } from "./address.ts";
import { systemClock, type Clock } from "./clock.ts";
import { DEFAULT_DIAL_TIMEOUT_MS, dial, type DialOptions } from "./dial.ts";
import type { HandshakeToken } from "./handshake-token.ts";
import { setEndsTogether } from "./held-open-leg.ts";
import { connectThrough } from "./http-connect.ts";
import { LegMemory } from "./leg-memory.ts";
import type { LegTrust } from "./leg-trust.ts";
import { setLegWays, type SecondWay } from "./leg-ways.ts";
import { beginLeg } from "./leg.ts";
import { isWithoutProxy } from "./no-proxy.ts";
import { dialProxy } from "./proxy-dial.ts";
import type { Proxy } from "./proxy.ts";
import { wrapLegInTls } from "./tls-leg.ts";

/** How this machine gets out. */
export interface ReachOptions {
  /** The HTTP proxy that everything goes through. Default: none. */
  readonly proxy?: Proxy | undefined;
  /** What is dialled without the proxy, as in the variable `NO_PROXY`; see {@link isWithoutProxy}. Default: nothing. */
  readonly noProxy?: string;
  /**
   * How legs are carried. `raw`: as they are; `tls`: inside of TLS to the cloud redirector; `auto`: raw first, and inside of
   * TLS where nothing comes back, which is remembered by address. Default `auto`.
   */
  readonly legTransport?: "raw" | "tls" | "auto";
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** How this machine gets out to the provider. One for a process: what it learns on one connection helps the next. */
export class Reach {
  readonly #options: ReachOptions;
  readonly #clock: Clock;
  readonly #memory: LegMemory;
  #trust: LegTrust | undefined;

  constructor(options: ReachOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#memory = new LegMemory(this.#clock);
  }

  /** How legs are carried. */
  get legTransport(): "raw" | "tls" | "auto" {
    return this.#options.legTransport ?? "auto";
  }

  /** Says how the cloud redirector is known from now on. Before that, legs are raw, whatever the options say. */
  trustForLegs(trust: LegTrust): void {
    this.#trust = trust;
  }

  /** The proxy through which an address is dialled; undefined: it is dialled straight. */
  proxyFor(address: Address): Proxy | undefined {
    const { proxy, noProxy = "" } = this.#options;
    return proxy === undefined || isWithoutProxy(noProxy, address) ? undefined : proxy;
  }

  /**
   * As {@link dial}, through the proxy where there is one. The time is for all steps together.
   *
   * @throws DrawbridgeError as {@link dial}, {@link dialProxy} and {@link connectThrough} do
   */
  async dial(address: Address, options: DialOptions = {}): Promise<Socket> {
    const proxy = this.proxyFor(address);
    if (proxy === undefined) return dial(address, options);
    const timeLeft = this.#timer(options);
    const socket = await dialProxy(proxy, { ...options, timeoutMs: timeLeft() });
    try {
      await connectThrough(socket, proxy, address, { ...this.#waiting(options), timeoutMs: timeLeft() });
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /**
   * Dials a leg and sends its preface; see {@link dialLeg}. Over which of its ways it gets through is for the end-to-end
   * handshake to find out.
   *
   * @throws DrawbridgeError as {@link dial} and {@link wrapLegInTls} do
   */
  async dialLeg(address: Address, token: HandshakeToken, options: DialOptions = {}): Promise<Socket> {
    const trust = this.#trust;
    if (trust === undefined) return this.#begin(await this.dial(address, options), address, token);
    if (this.legTransport === "raw") return this.#dialRaw(address, token, options, undefined);
    if (this.legTransport === "tls") return this.#dialTls(address, token, trust, options);
    const place = formatAddress(address);
    const timeLeft = this.#timer(options);
    if (this.#memory.firstChoice(place) === "tls") {
      try {
        return await this.#dialTls(address, token, trust, options);
      } catch (error) {
        if (options.signal?.aborted === true) throw error;
        this.#memory.forget(place);
      }
    }
    const { signal: _, ...rest } = options;
    const second: SecondWay = {
      dial: (signal) => this.#dialTls(address, token, trust, { ...rest, signal }),
      worked: (way) => (way === "tls" ? this.#memory.onlyTlsWorked(place) : this.#memory.forget(place)),
    };
    return this.#dialRaw(address, token, { ...options, timeoutMs: timeLeft() }, second);
  }

  async #dialRaw(address: Address, token: HandshakeToken, options: DialOptions, second: SecondWay | undefined) {
    const socket = await this.dial(address, options);
    setLegWays(socket, formatAddress(address), second);
    return this.#begin(socket, address, token);
  }

  async #dialTls(address: Address, token: HandshakeToken, trust: LegTrust, options: DialOptions): Promise<Socket> {
    const timeLeft = this.#timer(options);
    const socket = await this.dial(address, options);
    const tls = await wrapLegInTls(socket, address, trust, { ...this.#waiting(options), timeoutMs: timeLeft() });
    return this.#begin(tls, address, token);
  }

  #begin(socket: Socket, address: Address, token: HandshakeToken): Socket {
    if (this.proxyFor(address) !== undefined) setEndsTogether(socket);
    return beginLeg(socket, token);
  }

  #waiting({ signal, clock = this.#clock }: DialOptions): Pick<DialOptions, "signal" | "clock"> {
    return { ...(signal && { signal }), clock };
  }

  /** Tells how much of the options' time is left, at least a millisecond. */
  #timer({ timeoutMs = DEFAULT_DIAL_TIMEOUT_MS, clock = this.#clock }: DialOptions): () => number {
    const end = clock.now() + timeoutMs;
    return () => Math.max(1, end - clock.now());
  }
}
