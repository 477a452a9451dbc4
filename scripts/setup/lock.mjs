import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { ROOT } from "./paths.mjs";

const UNOWNED_MS = 10_000;
const LOOK_MS = 300;

/**
 * Runs `work` while no other process on this machine does the same for this checkout. `work` gets a function that lets
 * another process, by its id, hold the lock as well: it may go on when this one is killed.
 */
export async function withLock(work) {
  // Beside the checkout it would show up in `git status`, and inside node_modules `npm ci` would delete it.
  const id = createHash("sha256").update(ROOT).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), `drawbridge-setup-${id}.lock`);
  const hold = (pid) => appendFileSync(join(folder, "pids"), `${pid}\n`);
  await take(folder);
  hold(process.pid);
  try {
    return await work(hold);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function take(folder) {
  let said = false;
  while (!tryMake(folder)) {
    const holders = readHolders(folder);
    if (isStale(folder, holders)) {
      removeStale(folder);
      continue;
    }
    if (!said) console.log(`Another setup is running (process ${holders.join(", ")}); waiting for it.`);
    said = true;
    await delay(LOOK_MS);
  }
}

function tryMake(folder) {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function readHolders(folder) {
  try {
    return readFileSync(join(folder, "pids"), "utf8").trim().split("\n").map(Number);
  } catch {
    return [];
  }
}

/** A lock is stale when all of its holders have died, or when nobody wrote a name on it for a while. */
function isStale(folder, holders) {
  if (holders.length > 0) return !holders.some(isAlive);
  try {
    return Date.now() - statSync(folder).mtimeMs > UNOWNED_MS;
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Of several processes that find the same stale lock only one can rename it. */
function removeStale(folder) {
  const aside = `${folder}.${process.pid}`;
  try {
    renameSync(folder, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch {
    // Another process was quicker.
  }
}
