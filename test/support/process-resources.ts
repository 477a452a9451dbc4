import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { readAll } from "./dataplane-sockets.ts";

/** What a process holds, after a garbage collection. */
export interface ProcessResources {
  /** Open descriptors, sockets above all. */
  readonly descriptors: number;
  /** Timers that are set and keep the process alive. */
  readonly timers: number;
  /** JavaScript's heap, in bytes. */
  readonly heapBytes: number;
  /** All of the process's memory, in bytes. */
  readonly residentBytes: number;
}

interface ProbeAnswer {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly kinds: readonly string[];
}

/**
 * The environment of a child process that {@link resourcesOf} can ask.
 *
 * @param folder an empty one that only this user can write to, the same for both
 */
export function probed(folder: string): NodeJS.ProcessEnv {
  const probe = new URL("resource-probe.ts", import.meta.url).href;
  return { NODE_OPTIONS: `--import=${probe}`, DRAWBRIDGE_TEST_PROBE: folder };
}

/** Asks a process that was started with {@link probed} what it holds. Linux only: its descriptors come from proc(5). */
export async function resourcesOf(pid: number, folder: string): Promise<ProcessResources> {
  const descriptors = (await readdir(`/proc/${pid}/fd`)).length;
  const socket = connect(join(folder, `${pid}`)).on("error", () => {});
  const { rss, heapUsed, external, kinds } = JSON.parse((await readAll(socket)).toString()) as ProbeAnswer;
  return {
    descriptors,
    timers: kinds.filter((kind) => kind === "Timeout").length,
    heapBytes: heapUsed + external,
    residentBytes: rss,
  };
}
