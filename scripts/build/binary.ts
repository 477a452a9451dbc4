/**
 * `npm run build:binary`: makes one executable for this machine's system and architecture, in `build/drawbridge`. It
 * holds Node itself and needs nothing installed.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUILD, mustRun, showSizes } from "./build.ts";
import { bundle } from "./bundle.ts";

const main = join(BUILD, "main.mjs");
const configuration = join(BUILD, "sea.json");
const output = join(BUILD, process.platform === "win32" ? "drawbridge.exe" : "drawbridge");

await mkdir(BUILD, { recursive: true });
// Some libraries are CommonJS and ask for Node's own modules by `require`, which a module has not.
const banner = `import { createRequire } from "node:module"; const require = createRequire(process.execPath);`;
await bundle(main, { banner: { js: banner }, minifySyntax: true });
// See "Single executable applications" in Node's documentation.
await writeFile(
  configuration,
  JSON.stringify({ main, mainFormat: "module", output, disableExperimentalSEAWarning: true }),
);
await mustRun(process.execPath, ["--build-sea", configuration]);
await rm(main);
await rm(configuration);
await showSizes();
