import { join } from "node:path";
import { requireDrawbridge, runDrawbridge } from "../../../scripts/demo/drawbridge.ts";
import type { DrawbridgeProcess, DrawbridgeResult } from "../../../scripts/demo/drawbridge.ts";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { startCli } from "../../support/cli.ts";

/** A provider whose cloud redirector is a real process, which a test kills and starts again; and an operator. */
export class Provider implements AsyncDisposable {
  /** Holds the folders of all three roles. */
  readonly home: string;
  /** Where the cloud redirector listens. */
  readonly address: string;
  readonly #folder: TemporaryFolder;
  #cloud: DrawbridgeProcess | undefined;

  private constructor(folder: TemporaryFolder, address: string) {
    this.#folder = folder;
    this.address = address;
    this.home = folder.file("home");
  }

  /** Makes the home. The addresses are the public ones; the cloud redirector's own unless told. */
  static async init(publicAddresses?: (own: string) => string[]): Promise<Provider> {
    const provider = new Provider(await TemporaryFolder.create("provider"), `127.0.0.1:${await freePort()}`);
    const addresses = publicAddresses?.(provider.address) ?? [provider.address];
    const named = addresses.flatMap((address) => ["--public-address", address]);
    await provider.cloudCli(["cloud", "init", "--name", "demo", ...named]);
    return provider;
  }

  /** The folder of a role's files. */
  folder(role: "cloud" | "tenant" | "operator"): string {
    return join(this.home, role);
  }

  /** The running cloud redirector. */
  get cloud(): DrawbridgeProcess {
    if (this.#cloud === undefined) throw new Error("the cloud redirector does not run");
    return this.#cloud;
  }

  /** Starts the cloud redirector, on the same port as before. */
  async run(args: readonly string[] = []): Promise<DrawbridgeProcess> {
    const command = ["cloud", "run", "--listen", this.address, ...args, "--json"];
    this.#cloud = await startCli(command, { home: this.home, name: "the cloud redirector" });
    await this.#cloud.waitForEvent("ready");
    return this.#cloud;
  }

  /** Kills the cloud redirector. */
  async kill(): Promise<void> {
    this.cloud.child.signal("SIGKILL");
    await this.cloud.child.exited;
  }

  cloudCli(args: readonly string[]): Promise<DrawbridgeResult> {
    return requireDrawbridge(args, { home: this.home });
  }

  operatorCli(args: readonly string[]): Promise<DrawbridgeResult> {
    return requireDrawbridge(args, { home: this.home });
  }

  /** Enrols operator alice. The cloud redirector has to run. */
  async enrolOperator(role = "operator"): Promise<void> {
    await this.#enrol("operator", "alice", [], ["--role", role]);
  }

  /** Enrols tenant acme. The cloud redirector has to run. */
  async enrolTenant(target: string): Promise<void> {
    await this.#enrol("tenant", "acme", ["--target", target]);
  }

  /** Starts tenant acme; its owner ends it. */
  async runTenant(): Promise<DrawbridgeProcess> {
    const tenant = await startCli(["tenant", "run", "--json"], {
      home: this.home,
      name: "the tenant redirector",
    });
    await tenant.waitForEvent("ready");
    return tenant;
  }

  /** The tenants that `tenants --json` lists as online; none where the cloud redirector has no time for it. */
  async online(): Promise<string[]> {
    const { events } = await runDrawbridge(["tenants", "--json"], { home: this.home });
    return events.filter(({ state }) => state === "online").map(({ name }) => String(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cloud?.stop(20_000);
    await this.#folder[Symbol.asyncDispose]();
  }

  async #enrol(kind: "tenant" | "operator", name: string, args: string[], invited: string[] = []): Promise<void> {
    const { events } = await this.cloudCli(["cloud", "invite", kind, name, ...invited, "--json"]);
    await requireDrawbridge([kind, "enroll", "-", ...args], {
      home: this.home,
      input: `${String(events[0]?.["code"])}\n`,
    });
  }
}
