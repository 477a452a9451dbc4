/**
 * `npm run build`: makes packages that install with npm on any Node from 24 on, without this repository, in `build/`.
 * `@drawbridge/console-cli` is the executable, and needs none of the others; these are libraries, as JavaScript with
 * types.
 */
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUILD, mustRun, ROOT, showSizes } from "./build.ts";
import { bundle } from "./bundle.ts";
import { documentAlone, packDocuments } from "./documents.ts";

/** What a package.json says, as far as it matters here. */
interface Manifest {
  name: string;
  dependencies: Record<string, string>;
  exports?: Record<string, string>;
}

/** The libraries: their folders, and the folders in them that hold their sources. */
const LIBRARIES = { gen: "es", "packages/dataplane": "src", "packages/control": "src" };
const EXECUTABLE = "packages/console-cli";
const OURS = "@drawbridge/";
/** Programs on our libraries, and which of these brings them. */
const EXAMPLES = "examples/node";
const EXAMPLES_IN = "packages/control";

const JAVASCRIPT = join(BUILD, "js");
const STAGE = join(BUILD, "stage");

await rm(BUILD, { recursive: true, force: true });
const tsc = join(ROOT, "node_modules/@typescript/native/bin/tsc");
await mustRun(process.execPath, [tsc, "-p", join(ROOT, "scripts/build/tsconfig.json")]);
for (const [folder, sources] of Object.entries(LIBRARIES)) await packLibrary(folder, sources);
await packExecutable();
await rm(JAVASCRIPT, { recursive: true });
await rm(STAGE, { recursive: true });
await showSizes();

async function manifestOf(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(ROOT, folder, "package.json"), "utf8")) as Manifest;
}

async function packLibrary(folder: string, sources: string): Promise<void> {
  const manifest = await manifestOf(folder);
  const stage = join(STAGE, folder);
  await cp(join(JAVASCRIPT, folder, sources), join(stage, "dist"), { recursive: true });
  const exported = Object.entries(manifest.exports ?? {}).map(([name, file]) => {
    const stem = file.replace(`./${sources}/`, "./dist/").replace(/\.ts$/, "");
    return [name, { types: `${stem}.d.ts`, default: `${stem}.js` }] as const;
  });
  if (folder === EXAMPLES_IN) await cp(join(ROOT, EXAMPLES), join(stage, EXAMPLES), { recursive: true });
  await writeFile(join(stage, "README.md"), await documentAlone(stage, "docs/LIBRARY.md"));
  await pack(stage, { ...manifest, exports: Object.fromEntries(exported) });
}

/** Our own packages are in the bundle; everybody else's are named as dependencies. */
async function packExecutable(): Promise<void> {
  const stage = join(STAGE, EXECUTABLE);
  const manifest = await manifestOf(EXECUTABLE);
  const manifests = [manifest, ...(await Promise.all(Object.keys(LIBRARIES).map(manifestOf)))];
  const needed = manifests.flatMap(({ dependencies }) => Object.entries(dependencies));
  const dependencies = Object.fromEntries(needed.filter(([name]) => !name.startsWith(OURS)).toSorted());
  await bundle(join(stage, "dist/main.js"), { external: Object.keys(dependencies) });
  const bin = await readFile(join(ROOT, EXECUTABLE, "bin/drawbridge.js"), "utf8");
  await mkdir(join(stage, "bin"));
  await writeFile(join(stage, "bin/drawbridge.js"), bin.replace("../src/main.ts", "../dist/main.js"), { mode: 0o755 });
  await packDocuments(stage, "README.md");
  await pack(stage, { ...manifest, dependencies });
}

async function pack(stage: string, manifest: object): Promise<void> {
  await cp(join(ROOT, "LICENSE"), join(stage, "LICENSE"));
  await writeFile(join(stage, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await mustRun("npm", ["pack", "--silent"], stage);
  const made = (await readdir(stage)).find((name) => name.endsWith(".tgz"));
  if (made === undefined) throw new Error(`npm pack made nothing in ${stage}`);
  await rename(join(stage, made), join(BUILD, made));
}
