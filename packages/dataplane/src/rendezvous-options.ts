import { systemClock, type Clock } from "./clock.ts";
import type { CloseReason } from "./close-reason.ts";
import type { ProxyMisfit } from "./opening.ts";
import type { RateLimits } from "./link-rates.ts";
import { DEFAULT_PAIRING_LIMITS, type PairingLimits } from "./pairing-table.ts";
import { DEFAULT_PREFACE_TIMEOUT_MS } from "./preface-reception.ts";
import { OwnSplicer, type Splicer } from "./splicer.ts";

/** A leg, or a socket that was to become one, that was closed without a word. For logs and metrics. */
export interface Refusal {
  readonly reason: CloseReason;
  /** The IP address that it came from. */
  readonly address: string;
  /** Whether it looks as if a gateway or the settings for it were wrong. */
  readonly misfit?: ProxyMisfit;
}

/** All settings of a rendezvous; the defaults are the design's. */
export interface RendezvousOptions extends Partial<PairingLimits> {
  /** From accept to the preface's last byte, in milliseconds. Default 5,000. */
  readonly prefaceTimeoutMs?: number;
  /** How long the tokens of a reservation are good for, in milliseconds. Default 30,000. */
  readonly tokenLifeMs?: number;
  /** Sockets whose preface has not come, in all. Default 4,096. */
  readonly silentInAll?: number;
  /** Sockets whose preface has not come, by the address that they came from. Default 64. */
  readonly silentPerAddress?: number;
  /** Links, expected ones included. Default 32,768. */
  readonly linksInAll?: number;
  /** Caps in bytes per second that links share; kept by the default splicer. Default: none. */
  readonly rates?: RateLimits;
  /** Where legs are spliced. Default: in this process. */
  readonly splicer?: Splicer;
  /** TCP keep-alive on legs begins after this long without a byte, in milliseconds. Default 30,000. */
  readonly keepAliveDelayMs?: number;
  /** Told of every refused leg. Must not throw. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** The options with every default filled in. */
export type ResolvedRendezvousOptions = Required<RendezvousOptions>;

/** Fills in the defaults. */
export function resolveRendezvousOptions(options: RendezvousOptions): ResolvedRendezvousOptions {
  const { rates = {}, clock = systemClock } = options;
  return {
    ...DEFAULT_PAIRING_LIMITS,
    prefaceTimeoutMs: DEFAULT_PREFACE_TIMEOUT_MS,
    tokenLifeMs: 30_000,
    silentInAll: 4096,
    silentPerAddress: 64,
    linksInAll: 32_768,
    rates,
    splicer: new OwnSplicer(rates, clock),
    keepAliveDelayMs: 30_000,
    onRefused: () => {},
    clock,
    ...options,
  };
}
