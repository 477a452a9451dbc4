import type { Duplex } from "node:stream";
import type { Address } from "@drawbridge/dataplane";
import { dial, DrawbridgeError } from "@drawbridge/dataplane";
import { programPipe } from "../wire/program-pipe.ts";
import type { FreeTargetPlace } from "./offers.ts";

/** Who is at the other end of a link to a target that a program serves itself. */
export interface ServedLink {
  sessionId: string;
  linkId: string;
  /** The operator's name: its key has been verified, from end to end. */
  operator: string;
  /** The target's name. */
  target: string;
}

/** A target that is no address, but a part of the program that embeds the tenant redirector. */
export interface ServedTarget {
  /**
   * Takes over a link, as a server takes a connection: once for each. The stream allows half-open use, and is destroyed
   * with an error when the link is cut off. Must not throw; a throw cuts the link off.
   */
  serve(stream: Duplex, link: ServedLink): void;
}

/** Where a target is. */
export type Target = Address | ServedTarget;

/** Where a session leads: to one of the tenant's targets, or to a free one. */
export type SessionTarget = Target | FreeTargetPlace;

/**
 * Connects to a target. Errors: those of {@link dial}.
 *
 * INVARIANT: of a free target no other addresses are dialled than those that the policy has judged.
 */
export function openTarget(target: SessionTarget, link: ServedLink, signal: AbortSignal): Promise<Duplex> {
  if (!("serve" in target)) {
    const judged = "addresses" in target ? target.addresses.map(({ address }) => address) : undefined;
    return dial(target, { signal, isTarget: true, ...(judged && { resolve: () => Promise.resolve(judged) }) });
  }
  const { near, far } = programPipe(() => new DrawbridgeError("closed", "the link was cut off"));
  // Whoever serves it may listen too; a late error must not end the process.
  near.on("error", () => {});
  // Not before the splice reads: until then nobody has verified who is at the other end.
  far.once("resume", () => {
    try {
      target.serve(near, link);
    } catch {
      near.destroy();
    }
  });
  return Promise.resolve(far);
}
