import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** `ip netns exec` puts the files of this folder in the place of those in /etc. Source: ip-netns(8). */
const FOLDER = "/etc/netns";

const ip = (...args: string[]): void => void execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });

/** Why no network namespace can be made here; undefined where one can. Makes one to find out, and removes it. */
export function namespaceObstacle(): string | undefined {
  if (process.platform !== "linux") return "Linux is needed.";
  const name = newName();
  try {
    ip("netns", "add", name);
  } catch {
    return "Network namespaces cannot be made here: root and CAP_SYS_ADMIN are needed.";
  }
  try {
    ip("netns", "exec", name, "ip", "link", "set", "lo", "up");
    return undefined;
  } catch {
    return "Nothing can be run in a network namespace here.";
  } finally {
    ip("netns", "del", name);
  }
}

/** A network of its own, with nothing in it but loopback: every port is free, and its name server is 127.0.0.1. */
export class NetworkNamespace implements AsyncDisposable {
  /** The words before a command that is to run in it. */
  readonly inside: readonly string[];
  readonly #name: string;

  private constructor(name: string) {
    this.#name = name;
    this.inside = ["ip", "netns", "exec", name];
  }

  static async create(): Promise<NetworkNamespace> {
    const name = newName();
    await mkdir(join(FOLDER, name), { recursive: true });
    await writeFile(join(FOLDER, name, "resolv.conf"), "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
    ip("netns", "add", name);
    ip("netns", "exec", name, "ip", "link", "set", "lo", "up");
    return new NetworkNamespace(name);
  }

  /** What runs in it has to be over. */
  async [Symbol.asyncDispose](): Promise<void> {
    ip("netns", "del", this.#name);
    await rm(join(FOLDER, this.#name), { recursive: true, force: true });
  }
}

const newName = (): string => `drawbridge-${randomBytes(4).toString("hex")}`;
