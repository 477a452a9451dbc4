import { readFile } from "node:fs/promises";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { Child } from "../../../scripts/demo/child.ts";
import { findProgram } from "../../../scripts/demo/desktop/programs.ts";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { until } from "../../../scripts/demo/until.ts";

const DOCUMENT = new URL("../../../docs/GATEWAY.md", import.meta.url);

/** The configuration that the documentation gives, with these addresses in the place of its own. */
async function documentedConfiguration(listen: string, clouds: readonly [string, string]): Promise<string> {
  const [, text] = /```haproxy\n([^]*?)```/.exec(await readFile(DOCUMENT, "utf8")) ?? [];
  if (text === undefined) throw new Error("docs/GATEWAY.md has no configuration for HAProxy");
  return replaceAll(text, {
    "bind :::443 v4v6": `bind ${listen}`,
    "10.0.0.5:8443": clouds[0],
    "10.0.0.6:8443": clouds[1],
  });
}

function replaceAll(text: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`docs/GATEWAY.md does not have "${from}" any more`);
    return before.replaceAll(from, to);
  }, text);
}

/** The real HAProxy, as the documentation says, on a port of `::1`. It dials the cloud redirectors from 127.0.0.1. */
export class HaProxy implements AsyncDisposable {
  /** `[::1]:PORT`. */
  readonly address: string;
  readonly child: Child;
  readonly #folder: TemporaryFolder;

  private constructor(address: string, child: Child, folder: TemporaryFolder) {
    this.address = address;
    this.child = child;
    this.#folder = folder;
  }

  /** @param clouds the first, and the one that takes its place */
  static async start(clouds: readonly [string, string]): Promise<HaProxy> {
    const folder = await TemporaryFolder.create("haproxy");
    const port = await freePort();
    await writeFile(folder.file("haproxy.cfg"), await documentedConfiguration(`::1:${port}`, clouds));
    const command = findProgram("haproxy") ?? "haproxy";
    const child = await Child.start({ name: "HAProxy", command, args: ["-db", "-f", folder.file("haproxy.cfg")] });
    const proxy = new HaProxy(`[::1]:${port}`, child, folder);
    try {
      const look = (): Promise<true | undefined> => accepts(port);
      await until(look, { what: "HAProxy's port", timeoutMs: 10_000, log: () => child.tail() });
    } catch (error) {
      await proxy[Symbol.asyncDispose]();
      throw error;
    }
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}

function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: "::1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(undefined));
  });
}
