import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The file's name in an operator's home. */
export const CACHE_FILE = "tenants.cache";
/** More than any provider's list of names. */
const MAX_BYTES = 4 * 1024 * 1024;
/** What is proposed to a shell. A name may be a word of a script that was not quoted with care. */
const NAME = /^[a-z0-9][a-z0-9._@-]*$/;

/** A tenant, as far as a shell's completion wants to know it. */
export interface RememberedTenant {
  readonly name: string;
  readonly targets: readonly string[];
}

/** An operator's tenants as they were last heard of. */
export interface RememberedTenants {
  readonly tenants: readonly RememberedTenant[];
  /** How old the list is, in milliseconds. */
  readonly ageMs: number;
}

/** The list in an operator's home; undefined where there is none that can be read. Never throws. */
export function rememberedTenants(home: string): RememberedTenants | undefined {
  try {
    const file = join(home, CACHE_FILE);
    const { size, mtimeMs } = statSync(file);
    if (size > MAX_BYTES) return undefined;
    const lines = readFileSync(file, "utf8").split("\n");
    const tenants = lines.flatMap((line) => {
      const [name, ...targets] = line.split(" ").filter((word) => NAME.test(word));
      return name === undefined ? [] : [{ name, targets }];
    });
    return { tenants, ageMs: Math.max(0, Date.now() - mtimeMs) };
  } catch {
    return undefined;
  }
}

/** Keeps the list in an operator's home. What fails has no effect: the list only helps. */
export function rememberTenants(
  home: string,
  tenants: readonly { readonly name: string; readonly targets: readonly { readonly name: string }[] }[],
): void {
  const file = join(home, CACHE_FILE);
  const passing = `${file}.${process.pid}`;
  const line = ({ name, targets }: (typeof tenants)[number]): string =>
    `${[name, ...targets.map((target) => target.name)].join(" ")}\n`;
  try {
    writeFileSync(passing, tenants.map(line).join(""), { mode: 0o600 });
    renameSync(passing, file);
  } catch {
    rmSync(passing, { force: true });
  }
}
