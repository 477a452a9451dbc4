import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Chain } from "../../support/chain.ts";
import { type DrawbridgeProcess, expectCli, startCli } from "../../support/cli.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1));

/** Puts a fault proxy of its own between an enrolled home and the cloud redirector. */
async function frontFor(chain: Chain, home: string): Promise<FaultProxy> {
  const front = await FaultProxy.start({ host: "127.0.0.1", port: portOf(chain.address) });
  const file = join(home, "identity.json");
  const identity = JSON.parse(await readFile(file, "utf8")) as object;
  await writeFile(file, JSON.stringify({ ...identity, addresses: [front.address] }));
  return front;
}

/** One more tenant of a chain, behind a fault proxy of its own. Disposal ends it as a service manager would. */
export class TenantBehindFront implements AsyncDisposable {
  readonly name: string;
  readonly front: FaultProxy;
  readonly #home: string;
  readonly #env: NodeJS.ProcessEnv;
  #process: DrawbridgeProcess | undefined;

  /** @param home an empty folder */
  static async start(
    chain: Chain,
    { name, home, target, env = {} }: { name: string; home: string; target: string; env?: NodeJS.ProcessEnv },
  ): Promise<TenantBehindFront> {
    const { events } = await chain.cloud(["cloud", "invite", "tenant", name, "--json"]);
    const input = `${String(events[0]?.["code"])}\n`;
    await expectCli(["tenant", "enroll", "-", "--target", `rdp=${target}`], { home, input });
    const tenant = new TenantBehindFront(name, home, await frontFor(chain, join(home, "tenant")), env);
    await tenant.run();
    return tenant;
  }

  private constructor(name: string, home: string, front: FaultProxy, env: NodeJS.ProcessEnv) {
    this.name = name;
    this.front = front;
    this.#home = home;
    this.#env = env;
  }

  /** The running tenant redirector. */
  get process(): DrawbridgeProcess {
    if (this.#process === undefined) throw new Error(`tenant ${this.name} does not run`);
    return this.#process;
  }

  /** Starts the tenant redirector (again). */
  async run(): Promise<void> {
    this.#process = await startCli(["tenant", "run", "--json"], { home: this.#home, env: this.#env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.stop();
    await this.front[Symbol.asyncDispose]();
  }
}

/**
 * A `connect` of the chain's operator, from a home whose way to the cloud redirector is a fault proxy of its own.
 *
 * @param home an empty folder
 */
export async function connectBehindFront(
  chain: Chain,
  home: string,
): Promise<{ readonly front: FaultProxy; readonly process: DrawbridgeProcess; readonly port: number }> {
  await cp(chain.operatorHome, home, { recursive: true });
  const front = await frontFor(chain, join(home, "operator"));
  const args = ["connect", chain.tenantName, "--client", "none", "--listen", "127.0.0.1:0", "--json"];
  const process = await startCli(args, { home });
  const { address } = await process.waitForEvent("listening");
  return { front, process, port: portOf(String(address)) };
}
