import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { DemoFailure } from "./demo-failure.ts";
import { DrawbridgeProcess, requireDrawbridge } from "./drawbridge.ts";
import type { DrawbridgeEvent, DrawbridgeResult } from "./drawbridge.ts";
import { freePort } from "./free-port.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

const PORT_ATTEMPTS = 5;
const READY_TIMEOUT_MS = 30_000;
const ONLINE_TIMEOUT_MS = 30_000;

/** What a chain consists of, and who hears of it. */
export interface ChainOptions {
  /** The tenant's targets, each `NAME=HOST:PORT`. */
  readonly targets: readonly string[];
  /** The tenant's name; "acme" unless told. */
  readonly tenant?: string;
  /** The operator's name; "alice" unless told. */
  readonly operator?: string;
  /** Hears what happens, in the order of the design's steps. */
  readonly onMilestone?: (milestone: Milestone) => void;
  /** Hears the tenant redirector's events, its links above all. */
  readonly onTenantEvent?: (event: DrawbridgeEvent) => void;
  /** Where the cloud redirector listens, as in an address; 127.0.0.1 unless told. */
  readonly host?: string;
  /** Where the tenant redirector dials instead of the cloud redirector's own address, which it is told. */
  readonly tenantFront?: Front;
  /** The same for the operator's commands. */
  readonly operatorFront?: Front;
  /** The same for everybody and from the start: its address is the public one, which goes into invite codes. */
  readonly publicFront?: Front;
  /** Added to the cloud redirector's `settings.json`. */
  readonly cloudSettings?: object;
  /** Added to the environment of the long-running commands. */
  readonly env?: NodeJS.ProcessEnv;
  /** Added to their command lines. */
  readonly runArgs?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Something that stands before the cloud redirector, whose address it is told. Resolves to its own, `HOST:PORT`. */
export type Front = (cloudAddress: string) => Promise<string>;

/** What happened while a chain was built. */
export type Milestone =
  | { readonly kind: "cloud-ready"; readonly address: string }
  | { readonly kind: "tenant-enrolled"; readonly tenant: string }
  | { readonly kind: "operator-enrolled"; readonly operator: string }
  | { readonly kind: "tenant-connected"; readonly tenant: string }
  | { readonly kind: "tenant-online"; readonly tenant: string; readonly epoch: number };

/** Provider, tenant and operator on this machine: real processes, each with a home of its own below a temporary folder. */
export class Chain implements AsyncDisposable {
  readonly tenantName: string;
  readonly operatorName: string;
  readonly cloudHome: string;
  readonly tenantHome: string;
  readonly operatorHome: string;
  /** The cloud redirector's address, `HOST:PORT`; known once the cloud redirector runs. */
  address = "";
  /** Every long-running process that the chain has started, those that have ended included. */
  readonly processes: DrawbridgeProcess[] = [];
  readonly #options: ChainOptions;
  readonly #resources = new AsyncDisposableStack();
  #tenant: DrawbridgeProcess | undefined;

  /** Resolves once the tenant is online. @throws DemoFailure with the failing command's log and exit code. */
  static async start(options: ChainOptions): Promise<Chain> {
    const chain = new Chain(options, await TemporaryFolder.create("chain"));
    try {
      await chain.#startCloud();
      await chain.#enrollTenant();
      await chain.#enrollOperator();
      await chain.startTenant();
      return chain;
    } catch (error) {
      await chain[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(options: ChainOptions, folder: TemporaryFolder) {
    this.#options = options;
    this.tenantName = options.tenant ?? "acme";
    this.operatorName = options.operator ?? "alice";
    this.cloudHome = folder.file("cloud");
    this.tenantHome = folder.file("tenant");
    this.operatorHome = folder.file("operator");
    this.#resources.use(folder);
  }

  /** The running tenant redirector. @throws DemoFailure while it is stopped. */
  get tenant(): DrawbridgeProcess {
    if (!this.#tenant) throw new DemoFailure("the tenant redirector is stopped");
    return this.#tenant;
  }

  /** Starts the tenant redirector, and resolves to its epoch once the console sees it online. */
  async startTenant(): Promise<number> {
    const args = ["tenant", "run", "--home", this.tenantHome, "--json", ...this.#runArgs()];
    const tenant = this.#own(
      await DrawbridgeProcess.start(args, {
        home: this.tenantHome,
        name: "the tenant redirector",
        ...this.#env(),
        ...(this.#options.onTenantEvent ? { onEvent: this.#options.onTenantEvent } : {}),
      }),
    );
    this.#tenant = tenant;
    const ready = await tenant.waitForEvent("ready", { timeoutMs: READY_TIMEOUT_MS, ...this.#signal() });
    this.#tell({ kind: "tenant-connected", tenant: this.tenantName });
    await this.waitForTenant("online");
    const epoch = Number(ready["epoch"]);
    this.#tell({ kind: "tenant-online", tenant: this.tenantName, epoch });
    return epoch;
  }

  /** Stops the tenant redirector and resolves once the console sees it offline. */
  async stopTenant(): Promise<void> {
    await this.tenant.stop();
    this.#tenant = undefined;
    await this.waitForTenant("offline");
  }

  /** Resolves once `tenants --json` shows the tenant in this state. */
  async waitForTenant(state: "online" | "offline"): Promise<void> {
    const look = async (): Promise<true | undefined> => {
      const { events } = await this.operator(["tenants", "--json"]);
      return events.some((row) => row["name"] === this.tenantName && row["state"] === state) || undefined;
    };
    const what = `the tenant ${this.tenantName} as ${state} in the tenant registry`;
    await until(look, { what, timeoutMs: ONLINE_TIMEOUT_MS, intervalMs: 200, ...this.#signal() });
  }

  /** Runs a command of the operator to its end. @throws DemoFailure when it fails. */
  operator(args: readonly string[]): Promise<DrawbridgeResult> {
    return requireDrawbridge(args, { home: this.operatorHome });
  }

  /** Runs a command of the provider to its end. @throws DemoFailure when it fails. */
  cloud(args: readonly string[]): Promise<DrawbridgeResult> {
    return requireDrawbridge(args, { home: this.cloudHome });
  }

  /** Starts `connect TENANT … --json`; the caller owns it. */
  connect(args: readonly string[] = [], onEvent?: (event: DrawbridgeEvent) => void): Promise<DrawbridgeProcess> {
    return DrawbridgeProcess.start(["connect", this.tenantName, ...args, "--json", ...this.#runArgs()], {
      home: this.operatorHome,
      name: "the remote redirector",
      ...this.#env(),
      ...(onEvent ? { onEvent } : {}),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #startCloud(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.address = await this.#startCloudOn(`${this.#options.host ?? "127.0.0.1"}:${await freePort()}`);
        break;
      } catch (error) {
        this.#options.signal?.throwIfAborted();
        // Another program may have taken the port in between; everything else fails the same way again.
        const isPortInUse = error instanceof DemoFailure && /address-in-use|EADDRINUSE/.test(error.log ?? "");
        if (!isPortInUse || attempt === PORT_ATTEMPTS) throw error;
      }
    }
    this.#tell({ kind: "cloud-ready", address: this.address });
  }

  async #startCloudOn(address: string): Promise<string> {
    await rm(this.cloudHome, { recursive: true, force: true });
    const publicAddress = (await this.#options.publicFront?.(address)) ?? address;
    await this.cloud(["cloud", "init", "--home", this.cloudHome, "--name", "demo", "--public-address", publicAddress]);
    await this.#addSettings();
    const cloud = await DrawbridgeProcess.start(
      // Whoever ends a chain does not wait for its sessions.
      ["cloud", "run", "--home", this.cloudHome, "--listen", address, "--drain", "0s", "--json", ...this.#runArgs()],
      { home: this.cloudHome, name: "the cloud redirector", ...this.#env() },
    );
    this.#own(cloud);
    await cloud.waitForEvent("ready", { timeoutMs: READY_TIMEOUT_MS, ...this.#signal() });
    return address;
  }

  async #addSettings(): Promise<void> {
    if (this.#options.cloudSettings === undefined) return;
    const file = join(this.cloudHome, "cloud", "settings.json");
    const settings = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...settings, ...this.#options.cloudSettings }));
  }

  async #enrollTenant(): Promise<void> {
    const targets = this.#options.targets.flatMap((target) => ["--target", target]);
    await requireDrawbridge(["tenant", "enroll", "-", "--home", this.tenantHome, ...targets], {
      home: this.tenantHome,
      input: await this.#invite("tenant", this.tenantName),
    });
    await this.#putBehind(this.#options.tenantFront, join(this.tenantHome, "tenant"));
    this.#tell({ kind: "tenant-enrolled", tenant: this.tenantName });
  }

  async #enrollOperator(): Promise<void> {
    await requireDrawbridge(["operator", "enroll", "-", "--home", this.operatorHome], {
      home: this.operatorHome,
      input: await this.#invite("operator", this.operatorName),
    });
    await this.#putBehind(this.#options.operatorFront, join(this.operatorHome, "operator"));
    this.#tell({ kind: "operator-enrolled", operator: this.operatorName });
  }

  async #invite(kind: "tenant" | "operator", name: string): Promise<string> {
    const { events, tail } = await this.cloud(["cloud", "invite", kind, name, "--json"]);
    const code = events[0]?.["code"];
    if (typeof code !== "string") throw new DemoFailure("the invite has no code", { log: tail });
    return `${code}\n`;
  }

  /** Lets a home dial a front. Enrolment went past it. */
  async #putBehind(front: Front | undefined, home: string): Promise<void> {
    if (front === undefined) return;
    const file = join(home, "identity.json");
    const identity = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...identity, addresses: [await front(this.address)] }));
  }

  #own(process: DrawbridgeProcess): DrawbridgeProcess {
    this.processes.push(process);
    return this.#resources.use(process);
  }

  #runArgs(): readonly string[] {
    return this.#options.runArgs ?? [];
  }

  #env(): { env?: NodeJS.ProcessEnv } {
    return this.#options.env ? { env: this.#options.env } : {};
  }

  #signal(): { signal?: AbortSignal } {
    return this.#options.signal ? { signal: this.#options.signal } : {};
  }

  #tell(milestone: Milestone): void {
    this.#options.signal?.throwIfAborted();
    this.#options.onMilestone?.(milestone);
  }
}
