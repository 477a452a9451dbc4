import { Child } from "../../scripts/demo/child.ts";
import { findProgram } from "../../scripts/demo/desktop/programs.ts";
import { until } from "../../scripts/demo/until.ts";
import type { NetworkNamespace } from "./network-namespace.ts";

/** An SRV record of the one service that {@link Dnsmasq} knows. */
export interface ServiceRecord {
  /** Of the name server's own zone: `a` is `a.provider.test`, which is 127.0.0.1. */
  readonly host: string;
  readonly port: number;
  readonly priority: number;
}

/** The zone that the name server knows; every name in it is 127.0.0.1. */
const ZONE = "provider.test";

/** The service whose records it has. */
export const SERVICE = `_drawbridge._tcp.${ZONE}`;

/** A real name server, Debian's dnsmasq, on port 53 of a network namespace's loopback. It asks no other. */
export class Dnsmasq implements AsyncDisposable {
  readonly #namespace: NetworkNamespace;
  #child: Child | undefined;

  private constructor(namespace: NetworkNamespace) {
    this.#namespace = namespace;
  }

  static async start(namespace: NetworkNamespace, records: readonly ServiceRecord[]): Promise<Dnsmasq> {
    const server = new Dnsmasq(namespace);
    await server.tell(records);
    return server;
  }

  /** Starts it again with other records. It does not read such ones anew while it runs. */
  async tell(records: readonly ServiceRecord[]): Promise<void> {
    await this.stop();
    const services = records.map(
      ({ host, port, priority }) => `--srv-host=${SERVICE},${host}.${ZONE},${port},${priority},1`,
    );
    const own = ["--no-resolv", "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces", "--user=root"];
    const [command = "", ...args] = [
      ...this.#namespace.inside,
      findProgram("dnsmasq") ?? "dnsmasq",
      "--conf-file=/dev/null",
      "--pid-file=",
      "--keep-in-foreground",
      "--log-facility=-",
      ...own,
      `--local=/${ZONE}/`,
      `--address=/${ZONE}/127.0.0.1`,
      ...services,
    ];
    const child = await Child.start({ name: "dnsmasq", command, args });
    this.#child = child;
    const isUp = (): true | undefined => {
      if (child.exit !== undefined) throw new Error(`dnsmasq ended:\n${child.tail()}`);
      return /dnsmasq.*started/.test(child.tail()) || undefined;
    };
    await until(isUp, { what: "dnsmasq to start" });
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
