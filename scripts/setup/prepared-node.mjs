import { delimiter, join } from "node:path";

import { ensureDependencies } from "./dependencies.mjs";
import { NO_NODE, projectNode, ROOT } from "./paths.mjs";

/** Sets a fresh clone up and resolves to the project's own Node. Where that cannot be, it says why and ends the process. */
export async function preparedNode() {
  const code = await ensureDependencies();
  if (code !== 0) process.exit(code);
  const node = projectNode();
  if (node !== undefined) return node;
  console.error(NO_NODE);
  process.exit(4);
}

/** This process's environment, in which the commands of the project's packages are found. */
export const withProjectPrograms = () => ({
  ...process.env,
  PATH: [join(ROOT, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter),
});
