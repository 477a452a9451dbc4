import { readFileSync, statSync, writeFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const FILE = "tenants.cache";
/** More than any provider's list of names. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The names of an operator's tenants as they were last heard of, for the shell's completion. */
export interface RememberedTenants {
  readonly names: readonly string[];
  /** How old the list is, in milliseconds. */
  readonly ageMs: number;
}

/** The list in an operator's home; undefined where there is none that can be read. Never throws. */
export function rememberedTenants(home: string): RememberedTenants | undefined {
  try {
    const file = join(home, FILE);
    const { size, mtimeMs } = statSync(file);
    if (size > MAX_BYTES) return undefined;
    const names = readFileSync(file, "utf8")
      .split("\n")
      .filter((name) => /^[a-z0-9][a-z0-9._@-]*$/.test(name));
    return { names, ageMs: Math.max(0, Date.now() - mtimeMs) };
  } catch {
    return undefined;
  }
}

/** Keeps the list in an operator's home. What fails has no effect: it only helps. */
export function rememberTenants(home: string, tenants: readonly { readonly name: string }[]): void {
  const file = join(home, FILE);
  const passing = `${file}.${process.pid}`;
  try {
    writeFileSync(passing, tenants.map(({ name }) => `${name}\n`).join(""), { mode: 0o600 });
    renameSync(passing, file);
  } catch {
    rmSync(passing, { force: true });
  }
}
