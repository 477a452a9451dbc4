import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { ROOT } from "./paths.mjs";

const UNOWNED_MS = 10_000;
const LOOK_MS = 300;

/** Runs `work` while no other process on this machine does the same for this checkout. */
export async function withLock(work) {
  // Beside the checkout it would show up in `git status`, and inside node_modules `npm ci` would delete it.
  const id = createHash("sha256").update(ROOT).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), `drawbridge-setup-${id}.lock`);
  await take(folder);
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function take(folder) {
  let said = false;
  while (!tryMake(folder)) {
    const owner = readOwner(folder);
    if (isStale(folder, owner)) {
      removeStale(folder);
      continue;
    }
    if (!said) console.log(`Another setup is running${owner ? ` (process ${owner})` : ""}; waiting for it.`);
    said = true;
    await delay(LOOK_MS);
  }
  writeFileSync(join(folder, "pid"), String(process.pid));
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

function readOwner(folder) {
  try {
    return Number(readFileSync(join(folder, "pid"), "utf8"));
  } catch {
    return 0;
  }
}

/** A lock is stale when its owner has died, or when nobody wrote a name on it for a while. */
function isStale(folder, owner) {
  try {
    if (owner === 0) return Date.now() - statSync(folder).mtimeMs > UNOWNED_MS;
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
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
