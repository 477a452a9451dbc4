import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url)).replace(/[/\\]$/, "");

const LEAST_NODE_MAJOR = 24;

/** The Node that the dependencies bring along for this platform; whether it is there is another question. */
export const BUNDLED_NODE = join(ROOT, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");

/**
 * The Node that runs the project's TypeScript: the bundled Node 26, or the one that runs this script where that is
 * new enough; undefined when neither is there.
 */
export function projectNode() {
  if (existsSync(BUNDLED_NODE)) return BUNDLED_NODE;
  return Number(process.versions.node.split(".")[0]) >= LEAST_NODE_MAJOR ? process.execPath : undefined;
}

/** What to say when {@link projectNode} finds none. */
export const NO_NODE =
  `Drawbridge needs Node ${LEAST_NODE_MAJOR} or newer: this is Node ${process.versions.node}, and no bundled one exists for ` +
  `${process.platform}-${process.arch}. Install Node 26 from https://nodejs.org and try again.`;
