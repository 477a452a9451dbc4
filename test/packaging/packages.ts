import { execFile } from "node:child_process";
import { glob, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILD = join(ROOT, "build");

let built: Promise<unknown> | undefined;

/** Builds the packages, once for all specs, and resolves to the files of those that are named so: `control`. */
export async function builtPackages(...names: readonly string[]): Promise<string[]> {
  built ??= promisify(execFile)(process.execPath, [join(ROOT, "scripts/build/packages.ts")], { cwd: ROOT });
  await built;
  const files = await readdir(BUILD);
  return names.map((name) => {
    const file = files.find((made) => made.startsWith(`drawbridge-${name}-`));
    if (file === undefined) throw new Error(`the build made no package ${name}`);
    return join(BUILD, file);
  });
}

/** A link of a document's to another file. */
export interface DocumentLink {
  /** From the package's folder on. */
  readonly document: string;
  readonly target: string;
  readonly isThere: boolean;
}

/** Every link in a package's own documents that leads to no other machine. */
export async function documentLinks(folder: string): Promise<DocumentLink[]> {
  const links: DocumentLink[] = [];
  for await (const document of glob("**/*.md", { cwd: folder, exclude: ["node_modules"] })) {
    const text = await readFile(join(folder, document), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      const isThere = await stat(join(folder, dirname(document), target)).then(Boolean, () => false);
      links.push({ document, target, isThere });
    }
  }
  return links;
}

/** What npm says where it does not reach the registry. */
const NO_REGISTRY =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|\w*SELF_SIGNED_CERT\w*|UNABLE_TO_\w+)\b/;
const FETCH = [
  "--prefer-offline",
  "--fetch-retries=2",
  "--fetch-retry-mintimeout=1000",
  "--fetch-retry-maxtimeout=5000",
];

/**
 * Runs `npm install` with these arguments; where the registry of other people's packages is out of reach, the suite is
 * skipped, as it is where a Debian package is missing.
 */
export async function installOrSkip(suite: Mocha.Context, args: readonly string[], cwd: string): Promise<void> {
  try {
    await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", ...FETCH, ...args], { cwd });
  } catch (error) {
    const [why] = NO_REGISTRY.exec((error as { stderr?: string }).stderr ?? "") ?? [];
    if (why === undefined) throw error;
    console.log(`skipped: npm does not reach its registry (${why})`);
    suite.skip();
  }
}
