import type { Clock, Refusal } from "@drawbridge/dataplane";
import type { Log } from "../wire/log.ts";
import type { Metrics } from "./metrics/metrics-port.ts";

type Misfit = NonNullable<Refusal["misfit"]>;

const MISFITS: Readonly<Record<Misfit, string>> = {
  "unlisted-gateway":
    "refused a PROXY header: who sent it is not among trustedGateways. If it is a gateway of yours, put its address into settings.json and restart.",
  "header-missing":
    "refused a trusted gateway's connection: no PROXY header of version 2 came first. Let the gateway send one (in HAProxy: send-proxy-v2), or take it off trustedGateways.",
};

/** Misfits are told at most so often, each, in milliseconds: strangers can bring them about. */
const EVERY_MS = 60_000;

/** Counts and logs sockets that were closed without a word: for who looks for it, and aloud where a setting seems to be wrong. */
export class RefusalLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #toldAt = new Map<Misfit, number>();

  constructor(log: Log, clock: Clock, metrics: Metrics) {
    this.#log = log;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  note({ reason, address, misfit }: Refusal): void {
    this.#metrics.socketRefused(reason);
    this.#log.debug({ event: "socket-refused", address }, `closed a socket of ${address}: ${reason.message}`);
    if (misfit === undefined) return;
    const now = this.#clock.now();
    const toldAt = this.#toldAt.get(misfit);
    if (toldAt !== undefined && now - toldAt < EVERY_MS) return;
    this.#toldAt.set(misfit, now);
    this.#log.warn({ event: "gateway-misfit", misfit, address }, `${address}: ${MISFITS[misfit]}`);
  }
}
