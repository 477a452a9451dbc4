#!/usr/bin/env node
// This file must parse on old versions of Node, back to 14, so that they can say what is wrong: no newer syntax, no
// `node:` imports, and nothing of ours but by import().
import { spawn } from "child_process";
import { existsSync, realpathSync } from "fs";
import { dirname, join } from "path";
import { fileURLToPath } from "url";

const NEEDED_MAJOR = 24;
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];

/** The Node that `npm install` put into the workspace for this machine, if it did. */
function bundledNode() {
  const name = "node-" + process.platform + "-" + process.arch;
  let folder = dirname(realpathSync(fileURLToPath(import.meta.url)));
  for (;;) {
    const file = join(folder, "node_modules", name, "bin", "node");
    if (existsSync(file)) return file;
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

function refuse() {
  console.error(
    "drawbridge: Node " +
      process.versions.node +
      " is too old: Drawbridge needs Node " +
      NEEDED_MAJOR +
      " or later. Install it from https://nodejs.org, or run `npm install` in Drawbridge's folder, which brings one along on Linux.",
  );
  process.exitCode = 2;
}

/** Runs this file again with another Node and ends as that one ends. */
function runWith(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: "inherit" });
  const handlers = FORWARDED.map(function (signal) {
    const forward = function () {
      child.kill(signal);
    };
    process.on(signal, forward);
    return function () {
      process.removeListener(signal, forward);
    };
  });
  child.on("error", function (error) {
    console.error("drawbridge: " + node + " cannot be run (" + error.message + "). Run `npm install` again.");
    process.exitCode = 2;
  });
  child.on("exit", function (code, signal) {
    handlers.forEach(function (remove) {
      remove();
    });
    if (signal === null) process.exitCode = code;
    else process.kill(process.pid, signal);
  });
}

if (Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR) {
  import("../src/main.ts");
} else {
  const node = bundledNode();
  if (node === undefined || realpathSync(node) === realpathSync(process.execPath)) refuse();
  else runWith(node);
}
