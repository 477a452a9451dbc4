import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";

/** Where figures come from, without anything that names this machine. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** By program. */
  readonly versions: Readonly<Record<string, string>>;
}

const PEERS: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  HAProxy: ["haproxy", "-v"],
  nginx: ["nginx", "-v"],
  OpenSSH: ["ssh", "-V"],
};

/** This machine and its programs. */
export function thisMachine(): Machine {
  const [first] = cpus();
  const versions = Object.entries(PEERS).map(([name, [command, ...args]]) => [name, versionOf(command, args)]);
  return {
    processor: first?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release().split("-")[0] ?? ""}`,
    versions: { Node: process.versions.node, ...(Object.fromEntries(versions) as Record<string, string>) },
  };
}

function versionOf(command: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return /\d+\.\d+(?:[.p]\d+)*/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown";
}
