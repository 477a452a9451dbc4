import type { Socket } from "node:net";
import { readRetransmits, tcpKey } from "./tcp-table-linux.ts";

/** One socket of a splice, as the watch sees it. */
export interface WatchedPeer {
  readonly socket: Pick<Socket, "localAddress" | "localPort" | "remoteAddress" | "remotePort">;
  /** Bytes that have come from it. */
  readonly received: () => number;
  /** Grows with what was sent to it: bytes, and an end. */
  readonly sent: () => number;
  /** It is dead: nothing that was sent to it is acknowledged any more. */
  readonly onDead: () => void;
}

/** What a dead peer watch can be told. */
export interface DeadPeerWatchOptions {
  /** How often it looks, in milliseconds. Default 10,000. */
  readonly intervalMs?: number;
  /** How often in a row the kernel has to have repeated what is not acknowledged. Default 8. */
  readonly deadAfterRetransmits?: number;
  /** Default: the machine's; see `readRetransmits`. */
  readonly readTable?: () => Promise<ReadonlyMap<string, number>>;
}

interface Seen {
  received: number;
  /** What had been sent when something was last received. */
  sentBefore: number;
  /** Looks since something was last received. */
  silentLooks: number;
}

/** A peer that was sent something and is silent for so many looks is looked up in the kernel's table. */
const SUSPICIOUS_LOOKS = 3;

/**
 * Finds peers that a network has swallowed: those that do not acknowledge what they were sent.
 *
 * TCP keep-alive finds an idle one within 40 s. But while sent bytes wait for their acknowledgement, the kernel sends no
 * keep-alive probes, it repeats those bytes, on Linux for 15 minutes and more (tcp_retries2, tcp(7)); and Node has no
 * TCP_USER_TIMEOUT. So on Linux this asks the kernel's own table how often it has repeated them: 8 times in a row take 50
 * to 100 s, as RFC 1122, section 4.2.3.5, wants it. The table is only read while a peer is silent that was sent
 * something. Windows gives up after 5 repetitions by itself.
 */
export class DeadPeerWatch {
  readonly #intervalMs: number;
  readonly #deadAfter: number;
  readonly #readTable: () => Promise<ReadonlyMap<string, number>>;
  readonly #peers = new Map<WatchedPeer, Seen>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DeadPeerWatchOptions = {}) {
    this.#intervalMs = options.intervalMs ?? 10_000;
    this.#deadAfter = options.deadAfterRetransmits ?? 8;
    this.#readTable = options.readTable ?? readRetransmits;
  }

  /** Watches a peer until the returned function is called. */
  add(peer: WatchedPeer): () => void {
    this.#peers.set(peer, { received: peer.received(), sentBefore: peer.sent(), silentLooks: 0 });
    if (this.#timer === undefined) this.#arm();
    return () => void this.#peers.delete(peer);
  }

  /** Looks at all peers, and tells those that are dead so. */
  async look(): Promise<void> {
    const suspicious = [...this.#peers].filter(([peer, seen]) => isSuspicious(peer, seen)).map(([peer]) => peer);
    if (suspicious.length === 0) return;
    const table = await this.#readTable();
    for (const peer of suspicious) {
      const key = this.#peers.has(peer) ? keyOf(peer) : undefined;
      if (key !== undefined && (table.get(key) ?? 0) >= this.#deadAfter) peer.onDead();
    }
  }

  /** Looks again and again for as long as there are peers. Does not keep the process alive. */
  #arm(): void {
    const again = (): void => {
      this.#timer = undefined;
      if (this.#peers.size > 0) this.#arm();
    };
    this.#timer = setTimeout(() => void this.look().finally(again), this.#intervalMs).unref();
  }
}

function isSuspicious(peer: WatchedPeer, seen: Seen): boolean {
  const received = peer.received();
  if (received !== seen.received) {
    Object.assign(seen, { received, sentBefore: peer.sent(), silentLooks: 0 });
    return false;
  }
  seen.silentLooks += 1;
  return seen.silentLooks >= SUSPICIOUS_LOOKS && peer.sent() !== seen.sentBefore;
}

function keyOf({ socket }: WatchedPeer): string | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return tcpKey({ localAddress, localPort, remoteAddress, remotePort });
}

/** The watch that all splices of this process share. */
export const systemDeadPeerWatch = new DeadPeerWatch();
