import { writeFile } from "node:fs/promises";
import { Child } from "../../scripts/demo/child.ts";
import { freePort } from "../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../scripts/demo/temporary-folder.ts";
import { until } from "../../scripts/demo/until.ts";

/** How a proxy is to behave. */
export interface TinyproxyOptions {
  /** Whom it lets through; everybody unless told. */
  readonly user?: string;
  readonly password?: string;
  /** The one port to which it lets tunnels go. */
  readonly connectPort: number;
}

/** A real tinyproxy (Debian's tinyproxy-bin) on loopback. */
export class Tinyproxy implements AsyncDisposable {
  /** `127.0.0.1:PORT`; stays the same when it is stopped and started again. */
  readonly address: string;
  readonly #folder: TemporaryFolder;
  readonly #targets: string[] = [];
  #child: Child | undefined;

  static async start(options: TinyproxyOptions): Promise<Tinyproxy> {
    const proxy = new Tinyproxy(await TemporaryFolder.create("tinyproxy"), await freePort());
    const { user, password = "", connectPort } = options;
    const port = proxy.address.slice(proxy.address.lastIndexOf(":") + 1);
    const lines = [`Port ${port}`, "Listen 127.0.0.1", "Allow 127.0.0.1", "Timeout 600", "MaxClients 100"];
    lines.push(`ConnectPort ${connectPort}`, "LogLevel Info");
    if (user !== undefined) lines.push(`BasicAuth ${user} ${password}`);
    await writeFile(proxy.#folder.file("tinyproxy.conf"), `${lines.join("\n")}\n`, { mode: 0o600 });
    await proxy.start();
    return proxy;
  }

  private constructor(folder: TemporaryFolder, port: number) {
    this.#folder = folder;
    this.address = `127.0.0.1:${port}`;
  }

  /** Where tunnels were asked to lead, in order, `HOST:PORT`. */
  get targets(): readonly string[] {
    return this.#targets;
  }

  /** Starts it again after {@link stop}. */
  async start(): Promise<void> {
    let isReady = false;
    const onLine = (line: string): void => {
      isReady ||= /Accepting connections/.test(line);
      const target = /Request .*: CONNECT (\S+) HTTP/.exec(line)?.[1];
      if (target !== undefined) this.#targets.push(target);
    };
    const args = ["-d", "-c", this.#folder.file("tinyproxy.conf")];
    const child = await Child.start({ name: "tinyproxy", command: "tinyproxy", args, onLine });
    this.#child = child;
    await until(() => Promise.resolve(isReady || undefined), { what: `tinyproxy to listen\n${child.tail()}` });
  }

  /** Ends it, and with it all its tunnels. */
  async stop(): Promise<void> {
    await this.#child?.stop();
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}
