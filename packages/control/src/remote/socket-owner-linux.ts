import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { LoopbackConnection, SocketOwner, SocketOwners } from "./socket-owner.ts";
import { unknownOwner } from "./socket-owner.ts";
import type { SocketOwnerRow } from "./socket-owner-row.ts";
import { connectionKey } from "./socket-owner-row.ts";
import { findSocketOwnerRows } from "./socket-owner-table.ts";

/** Where a Linux machine tells. */
export interface LinuxSocketOwnersOptions {
  /** The tables of sockets of our network namespace, in the order of reading. Default: those below `/proc/net`. */
  readonly tables?: readonly string[];
  /** The uid that counts as our own. Default: this process's effective one, which is what its own sockets carry. */
  readonly ownUid?: number;
  /** Tells how the user namespace maps uids. Default: `/proc/self/uid_map`. */
  readonly uidMap?: string;
  /** How long before each look at the tables, in milliseconds. Default: 0, 10, 40, 160. */
  readonly looksAfterMs?: readonly number[];
}

/** The kernel lists a table bucket by bucket while it changes, so a row can be missed once. */
const LOOKS_AFTER_MS = [0, 10, 40, 160] as const;

/** A scan never takes this long; one that does (a frozen machine) leaves its connections unknown. Milliseconds. */
const SCAN_MS = 8_000;

/** What the kernel prints for a uid that our user namespace does not know (`/proc/sys/kernel/overflowuid`). */
const OVERFLOW_UID = 65_534;

/**
 * Asks `/proc/net/tcp` and `tcp6` for the uid of the connecting socket, which is the effective one of the process that
 * made it. (Netlink's sock_diag would be quicker, but Node cannot open it.) However many connections wait, one scan
 * serves them all.
 *
 * Root is another user here. It could read our memory anyhow, so to let it in would give nothing away; but what runs as
 * root forwards for others (proxies, container runtimes), and 0 is also what the kernel prints when it does not know.
 *
 * A connection from another network namespace does not come by loopback and is in no table of ours: it stays unknown.
 */
export class LinuxSocketOwners implements SocketOwners {
  readonly #tables: readonly string[];
  readonly #ownUid: number | undefined;
  readonly #uidMap: string;
  readonly #looksAfterMs: readonly number[];
  #wanted = new Map<string, PromiseWithResolvers<SocketOwnerRow | undefined>>();
  #scanning = false;

  constructor(options: LinuxSocketOwnersOptions = {}) {
    this.#tables = options.tables ?? ["/proc/net/tcp", "/proc/net/tcp6"];
    this.#ownUid = options.ownUid ?? process.geteuid?.();
    this.#uidMap = options.uidMap ?? "/proc/self/uid_map";
    this.#looksAfterMs = options.looksAfterMs ?? LOOKS_AFTER_MS;
  }

  async ownerOf({ client, listener }: LoopbackConnection, signal: AbortSignal): Promise<SocketOwner> {
    const key = connectionKey(client, listener);
    if (key === undefined) return unknownOwner("its address is not a loopback address");
    for (const afterMs of this.#looksAfterMs) {
      if (afterMs > 0) await delay(afterMs, undefined, { signal });
      signal.throwIfAborted();
      const row = await this.#row(key);
      if (row !== undefined) return this.#judge(row);
    }
    return unknownOwner("no process of this machine holds its other end");
  }

  async #judge({ uid }: SocketOwnerRow): Promise<SocketOwner> {
    if (uid !== this.#ownUid) return { kind: "other", owner: `uid ${uid}` };
    if (uid === OVERFLOW_UID && !(await this.#mapsEveryUid()))
      return unknownOwner(`uid ${OVERFLOW_UID} stands for many users in this user namespace`);
    return { kind: "own" };
  }

  /** Whether the user namespace is one in which no two users share a number: the machine's own. */
  async #mapsEveryUid(): Promise<boolean> {
    const map = await readFile(this.#uidMap, "latin1");
    return /^\s*0\s+0\s+4294967295\s*$/.test(map);
  }

  #row(key: string): Promise<SocketOwnerRow | undefined> {
    const wanted = this.#wanted.get(key) ?? Promise.withResolvers<SocketOwnerRow | undefined>();
    this.#wanted.set(key, wanted);
    if (!this.#scanning) void this.#scan();
    return wanted.promise;
  }

  async #scan(): Promise<void> {
    this.#scanning = true;
    while (this.#wanted.size > 0) {
      const wanted = this.#wanted;
      this.#wanted = new Map();
      try {
        const rows = await this.#read(new Set(wanted.keys()));
        for (const [key, { resolve }] of wanted) resolve(rows.get(key));
      } catch (error) {
        for (const { reject } of wanted.values()) reject(error);
      }
    }
    this.#scanning = false;
  }

  async #read(keys: ReadonlySet<string>): Promise<Map<string, SocketOwnerRow>> {
    const found = new Map<string, SocketOwnerRow>();
    const signal = AbortSignal.timeout(SCAN_MS);
    for (const table of this.#tables) {
      if (found.size < keys.size) await findSocketOwnerRows(table, keys, found, signal);
    }
    return found;
  }
}
