import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { formatAddress } from "@drawbridge/dataplane";
import type { LoopbackConnection, SocketOwner, SocketOwners } from "./socket-owner.ts";
import { unknownOwner } from "./socket-owner.ts";

const run = promisify(execFile);

const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * Asks macOS's own `lsof`, which shows an ordinary user the files of its own processes only: a connection that it lists
 * under our uid is ours, and one that it does not list is somebody else's. Takes some 0.1 s a connection.
 *
 * Written from lsof(8); the output's reader is tested, and the whole with the lsof of Linux, but not yet on macOS.
 */
export class MacosSocketOwners implements SocketOwners {
  readonly #lsof: string;
  readonly #ownUid: number | undefined;

  /**
   * @param lsof the program. A full path, because a search along PATH could find another.
   * @param ownUid the uid that counts as our own. Default: this process's effective one.
   */
  constructor(lsof = "/usr/sbin/lsof", ownUid = process.geteuid?.()) {
    this.#lsof = lsof;
    this.#ownUid = ownUid;
  }

  async ownerOf(connection: LoopbackConnection, signal: AbortSignal): Promise<SocketOwner> {
    // -n -P: numbers, no names; -w: no warnings; -F pun: a line each for process, user and the connection's ends.
    const args = ["-nPw", `-iTCP:${connection.client.port}`, "-Fpun"];
    const options = { signal, maxBuffer: MAX_OUTPUT_BYTES, encoding: "utf8", env: { LC_ALL: "C" } } as const;
    const { stdout } = await run(this.#lsof, args, options).catch((error: unknown) => {
      // lsof exits with 1 when it has found nothing.
      if (error instanceof Error && "code" in error && error.code === 1) return { stdout: "" };
      throw error;
    });
    return ownerInLsofOutput(stdout, connection, this.#ownUid);
  }
}

/**
 * Reads lsof's field output: `p` starts a process, `u` is its user, `n` an open connection's ends, the process's own first.
 * A connection is ours when each process that is shown to hold it is. Never throws.
 */
export function ownerInLsofOutput(
  output: string,
  { client, listener }: LoopbackConnection,
  ownUid: number | undefined,
): SocketOwner {
  const wanted = `${formatAddress(client)}->${formatAddress(listener)}`;
  let uid = "";
  const uids = new Set<string>();
  for (const line of output.split("\n")) {
    if (line.startsWith("p")) uid = "";
    else if (line.startsWith("u")) uid = line.slice(1);
    else if (line.startsWith("n") && withoutMapping(line.slice(1)) === wanted) uids.add(uid);
  }
  if (uids.size === 0) return unknownOwner("lsof shows no process of yours at its other end");
  for (const found of uids) if (found !== String(ownUid)) return { kind: "other", owner: `uid ${found}` };
  return { kind: "own" };
}

/** A client may reach an IPv4 address by an IPv6 socket. */
const withoutMapping = (ends: string): string => ends.replaceAll(/\[::ffff:([\d.]+)\]/g, "$1");
