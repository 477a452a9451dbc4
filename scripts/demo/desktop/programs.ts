import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

import { DemoFailure } from "../demo-failure.ts";

/** The Debian packages by group, and the programs that each must bring. */
const { desktop: PACKAGES } = JSON.parse(
  readFileSync(new URL("../../setup/debian-packages.json", import.meta.url), "utf8"),
) as Readonly<Record<"desktop" | "peers", Readonly<Record<string, readonly string[]>>>>;

/** The full path of a program, or undefined. The system's own folder comes first: others may hold stand-ins. */
export function findProgram(name: string): string | undefined {
  const folders = ["/usr/bin", "/usr/sbin", ...(process.env["PATH"] ?? "").split(delimiter).filter(Boolean)];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** As {@link findProgram}. @throws DemoFailure that names the missing package. */
export function requireProgram(name: string): string {
  const path = findProgram(name);
  if (path !== undefined) return path;
  const owner = Object.keys(PACKAGES).find((key) => PACKAGES[key]?.includes(name)) ?? name;
  throw new DemoFailure(`the program ${name} is missing`, { exitCode: 4, remedy: `Install the package ${owner}.` });
}

/** Those of the packages that lack a program on this machine. */
export function missingPackages(): string[] {
  return Object.entries(PACKAGES)
    .filter(([, programs]) => programs.some((program) => findProgram(program) === undefined))
    .map(([name]) => name);
}

/** The environment for programs of a desktop: a private home, so that none touches the user's settings or known hosts. */
export function desktopEnvironment(home: string, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", TERM: "xterm", HOME: home, ...extra };
}
