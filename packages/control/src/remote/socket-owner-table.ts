import { open } from "node:fs/promises";
import type { SocketOwnerRow } from "./socket-owner-row.ts";
import { parseSocketOwnerRow } from "./socket-owner-row.ts";

/** About 430,000 sockets. What stands behind that is not found. */
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
const MAX_LINE_LENGTH = 1_024;
/** The kernel hands out a page at a time, whatever is asked for. */
const CHUNK_BYTES = 16 * 1024;

/**
 * Reads a table of sockets (`/proc/net/tcp`) until the wanted rows are found or it ends, and puts them into `found`. Holds
 * one chunk in memory at a time. A table that is not there has no rows.
 *
 * Errors: those of `node:fs`; the signal's reason.
 */
export async function findSocketOwnerRows(
  path: string,
  wanted: ReadonlySet<string>,
  found: Map<string, SocketOwnerRow>,
  signal: AbortSignal,
): Promise<void> {
  const take = (line: string): void => {
    const row = parseSocketOwnerRow(line);
    if (row !== undefined && wanted.has(row.key)) found.set(row.key, row);
  };
  let rest = "";
  for await (const chunk of chunksOf(path, signal)) {
    const lines = (rest + chunk).split("\n");
    rest = (lines.pop() ?? "").slice(-MAX_LINE_LENGTH);
    lines.forEach(take);
    if (found.size === wanted.size) return;
  }
  take(rest);
}

async function* chunksOf(path: string, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const file = await open(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let total = 0; total < MAX_TABLE_BYTES;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      total += bytesRead;
      yield buffer.toString("latin1", 0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
