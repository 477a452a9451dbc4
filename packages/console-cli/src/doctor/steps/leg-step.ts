import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { openTestLink, type TestLink } from "@drawbridge/control/rpc";
import { DrawbridgeError, parseAddress, Reach, toDrawbridgeError } from "@drawbridge/dataplane";
import { withinTime } from "../../within-time.ts";
import type { Finding, Step } from "../step.ts";
import type { Called } from "./grpc-step.ts";
import { LEG_REMEDY, pingPong } from "./ping-pong.ts";

/** How legs are tried. */
export interface LegWays {
  /** Raw, as they are; undefined where the settings forbid it. */
  readonly raw: Reach | undefined;
  /** Inside of TLS; undefined where the settings forbid it. */
  readonly tls: Reach | undefined;
}

/** How long raw legs may take before they are tried inside of TLS, in milliseconds. */
const RAW_MS = 6_000;
const ROUNDS = 5;

/**
 * Pairs two legs of this machine with each other at the rendezvous, sends bytes both ways and takes the time.
 *
 * @param place of the gateway, as `host:port`
 */
export function legStep(ways: LegWays, place: string, subject: string | undefined): Step<Called, void> {
  return {
    id: "leg",
    title: "a leg with itself",
    ...(subject !== undefined && { subject }),
    timeoutMs: 20_000,
    async check({ channel, link }, signal) {
      const { raw, tls } = ways;
      if (raw === undefined) return carried(await tried(tls ?? new Reach(), link, place, signal), "inside of TLS");
      try {
        const tryRaw = (limited: AbortSignal): Promise<number> => tried(raw, link, place, limited);
        return carried(await withinTime(RAW_MS, silent(), signal, tryRaw), "raw");
      } catch (error) {
        if (tls === undefined || signal.aborted) throw error;
        return await afterRaw(toDrawbridgeError(error), tls, await openTestLink(channel, signal), place, signal);
      }
    },
  };
}

const silent = (): DrawbridgeError =>
  new DrawbridgeError("unavailable", `no byte came out of a leg within ${RAW_MS / 1_000} s`, { remedy: LEG_REMEDY });

const carried = (roundTripMs: number, how: string): Finding<void> => ({
  outcome: "ok",
  text: `bytes went both ways, ${how}; a round trip through the rendezvous takes ${roundTripMs} ms`,
  details: { transport: how === "raw" ? "raw" : "tls", roundTripMs },
  value: undefined,
});

/** Raw legs did not get through: which is no fault where those inside of TLS do. */
async function afterRaw(
  failure: DrawbridgeError,
  tls: Reach,
  link: TestLink,
  place: string,
  signal: AbortSignal,
): Promise<Finding<void>> {
  let roundTripMs: number;
  try {
    roundTripMs = await tried(tls, link, place, signal);
  } catch {
    throw failure;
  }
  return {
    ...carried(roundTripMs, "inside of TLS"),
    outcome: "warning",
    text: `only legs inside of TLS get through, with ${roundTripMs} ms for a round trip; raw: ${failure.message}`,
    remedy:
      "Something on the way lets only TLS through. Links find that out by themselves; --leg-transport tls spares them the try.",
  };
}

/** The middle one of several round trips, in milliseconds with one decimal. */
async function tried(reach: Reach, { tokens, rendezvousAddress }: TestLink, place: string, signal: AbortSignal) {
  const address = parseAddress(rendezvousAddress === "" ? place : rendezvousAddress);
  const dialled = await Promise.allSettled(tokens.map((token) => reach.dialLeg(address, token, { signal })));
  const legs = dialled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  try {
    for (const one of dialled) if (one.status === "rejected") throw one.reason;
    const [remote, tenant] = legs as [Socket, Socket];
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await pingPong(remote, tenant, randomBytes(32), signal));
    const middle = rounds.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
    return Math.round(middle * 10) / 10;
  } finally {
    for (const leg of legs) leg.destroy();
  }
}
