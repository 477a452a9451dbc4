import { spawn } from "node:child_process";
import { existsSync, utimesSync } from "node:fs";
import { join } from "node:path";
// By itself: all of identity/ takes half a second to load.
import { resolveHome } from "@drawbridge/control/resolve-home";
import { ownProgram } from "../own-program.ts";
import { CACHE_FILE, type RememberedTenant, rememberedTenants } from "./tenant-cache.ts";

/** A list that is older is asked for anew, in the background: the next TAB has the new one. */
const FRESH_MS = 10_000;
/** How long a shell may wait for its first list. */
const FIRST_MS = 1_500;

/**
 * Prints what completes a tenant or a target, a name a line. Never fails and never prints an error: a shell would show it
 * in the middle of what is typed. Loads nothing that takes time.
 *
 * @param words `tenants`, or `targets` and the words of the command line
 */
export async function complete(words: readonly string[]): Promise<void> {
  try {
    const [what, ...typed] = words;
    const home = resolveHome(homeOption(typed), process.env, process.platform, "operator");
    const tenants = await currentTenants(home);
    const names = what === "targets" ? targetsOf(tenants, typed) : tenants.map(({ name }) => name);
    process.stdout.write(names.map((name) => `${name}\n`).join(""));
  } catch {
    // Nothing is proposed.
  }
}

function homeOption(words: readonly string[]): string | undefined {
  const at = words.indexOf("--home");
  return at < 0 ? undefined : words[at + 1];
}

async function currentTenants(home: string): Promise<readonly RememberedTenant[]> {
  if (!existsSync(join(home, "identity.json"))) return [];
  const remembered = rememberedTenants(home);
  if (remembered === undefined) {
    await refresh(home, FIRST_MS);
    return rememberedTenants(home)?.tenants ?? [];
  }
  if (remembered.ageMs > FRESH_MS) {
    // Counts as fresh while it is asked for, so that the next TABs do not ask too.
    const now = new Date();
    utimesSync(join(home, CACHE_FILE), now, now);
    await refresh(home, 0);
  }
  return remembered.tenants;
}

/** The targets of the tenant that is named, else of all. */
function targetsOf(tenants: readonly RememberedTenant[], typed: readonly string[]): readonly string[] {
  const named = tenants.filter(({ name }) => typed.includes(name));
  return [...new Set((named.length > 0 ? named : tenants).flatMap(({ targets }) => targets))];
}

/** Lets `drawbridge tenants` bring the list up to date, and waits for it no longer than so many milliseconds. */
async function refresh(home: string, waitMs: number): Promise<void> {
  const { command, args } = await ownProgram(["tenants", "--json", "--home", join(home, "..")]);
  const child = spawn(command, args, {
    stdio: "ignore",
    detached: true,
    windowsHide: true,
  });
  const over = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  child.unref();
  if (waitMs === 0) return;
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, waitMs);
  await Promise.race([over, late.promise]);
  clearTimeout(timer);
}
