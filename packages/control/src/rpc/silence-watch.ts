import type { Clock, Timer } from "@drawbridge/dataplane";
import type { KeepAlive } from "./keep-alive.ts";

/** A connection whose peer is to be found alive or dead. */
export interface WatchedPeer {
  /** How many bytes came from it, all in all. */
  bytesRead(): number;
  /** Asks it for a sign of life, which arrives as bytes like everything else. Throws or gives false when it cannot be sent. */
  ping(): boolean;
  /** It is gone. Called once. */
  lost(): void;
}

/** Where a peer stands. Times are the clock's. */
interface Vigil {
  bytes: number;
  /** When it was last seen that something had come. */
  heardAt: number;
  /** When it was pinged since then. */
  pingedAt: number | undefined;
}

/** Looks by one timer for all, so many times in the interval. */
const LOOKS = 12;
/** Less is not worth a look of its own, in milliseconds. */
const SHORTEST_LOOK_MS = 50;

/**
 * Finds peers that are gone, by their silence: only who has sent nothing for the interval is pinged, and who still sends
 * nothing within the time-out is lost. A peer that pings of its own accord, as our tenant redirectors do, costs no ping
 * back, and ten thousand of them no timers.
 */
export class SilenceWatch {
  readonly #keepAlive: KeepAlive;
  readonly #clock: Clock;
  readonly #vigils = new Map<WatchedPeer, Vigil>();
  readonly #lookMs: number;
  #timer: Timer | undefined;

  constructor(keepAlive: KeepAlive, clock: Clock) {
    this.#keepAlive = keepAlive;
    this.#clock = clock;
    this.#lookMs = Math.max(SHORTEST_LOOK_MS, keepAlive.intervalMs / LOOKS);
  }

  /** @returns ends the watch over it; may be called twice */
  add(peer: WatchedPeer): () => void {
    this.#vigils.set(peer, { bytes: peer.bytesRead(), heardAt: this.#clock.now(), pingedAt: undefined });
    this.#arm();
    return () => {
      this.#vigils.delete(peer);
      if (this.#vigils.size > 0) return;
      this.#timer?.cancel();
      this.#timer = undefined;
    };
  }

  #arm(): void {
    this.#timer ??= this.#clock.setTimer(this.#lookMs, () => {
      this.#timer = undefined;
      for (const [peer, vigil] of this.#vigils) this.#look(peer, vigil);
      if (this.#vigils.size > 0) this.#arm();
    });
  }

  #look(peer: WatchedPeer, vigil: Vigil): void {
    const now = this.#clock.now();
    const bytes = peer.bytesRead();
    if (bytes !== vigil.bytes) {
      vigil.bytes = bytes;
      vigil.heardAt = now;
      vigil.pingedAt = undefined;
    } else if (vigil.pingedAt === undefined) {
      if (now - vigil.heardAt < this.#keepAlive.intervalMs) return;
      vigil.pingedAt = now;
      if (!canPing(peer)) this.#lose(peer);
    } else if (now - vigil.pingedAt >= this.#keepAlive.timeoutMs) this.#lose(peer);
  }

  #lose(peer: WatchedPeer): void {
    this.#vigils.delete(peer);
    peer.lost();
  }
}

function canPing(peer: WatchedPeer): boolean {
  try {
    return peer.ping();
  } catch {
    return false;
  }
}
