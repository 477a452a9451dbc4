import { readFile, writeFile } from "node:fs/promises";
import { Reach } from "@drawbridge/dataplane";
import {
  certificateFacts,
  certificateFromPem,
  decodeInviteCode,
  type EnrolledIdentity,
} from "@drawbridge/control/identity";
import { openChannel, redeemInvite, type RpcChannel } from "@drawbridge/control/rpc";
import { DrawbridgeProcess, requireDrawbridge } from "../../../scripts/demo/drawbridge.ts";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { until } from "../../../scripts/demo/until.ts";

/** A cloud redirector as a process of its own (`drawbridge cloud run`), and principals that this process plays. */
export class Provider implements AsyncDisposable {
  readonly home: string;
  readonly address: string;
  readonly process: DrawbridgeProcess;
  readonly #stack: AsyncDisposableStack;

  /**
   * @param limits what `settings.json` says under `limits`, beside the defaults
   * @param workers the same of `workers`; they are up when this resolves. Default: none, on any machine
   */
  static async start(limits: Readonly<Record<string, number>> = {}, workers = 0): Promise<Provider> {
    const stack = new AsyncDisposableStack();
    try {
      const home = stack.use(await TemporaryFolder.create("bench")).file("cloud");
      const address = `127.0.0.1:${await freePort()}`;
      await requireDrawbridge(["cloud", "init", "--home", home, "--name", "bench", "--public-address", address], {
        home,
      });
      await changeSettings(`${home}/cloud/settings.json`, limits, workers);
      const process = stack.use(
        await DrawbridgeProcess.start(["cloud", "run", "--home", home, "--listen", address, "--json"], {
          home,
          name: "the cloud redirector",
        }),
      );
      await process.waitForEvent("ready");
      const up = (): Promise<true | undefined> =>
        Promise.resolve((process.child.tail().match(/takes links/g) ?? []).length >= workers || undefined);
      await until(up, { what: `${workers} workers`, intervalMs: 20 });
      return new Provider(home, address, process, stack);
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  private constructor(home: string, address: string, process: DrawbridgeProcess, stack: AsyncDisposableStack) {
    this.home = home;
    this.address = address;
    this.process = process;
    this.#stack = stack;
  }

  /** The cloud redirector's process. */
  get pid(): number {
    const { pid } = this.process.child;
    if (pid === undefined) throw new Error("the cloud redirector does not run");
    return pid;
  }

  /** Enrols a new tenant or operator. */
  async enrol(kind: "tenant" | "operator", name: string): Promise<EnrolledIdentity> {
    const args = ["cloud", "invite", kind, name, "--home", this.home, "--json"];
    const { events } = await requireDrawbridge(args, { home: this.home });
    const identity = await redeemInvite(kind, decodeInviteCode(String(events[0]?.["code"])), new Reach());
    return { ...identity, keyFingerprint: certificateFacts(certificateFromPem(identity.certificate)).keyFingerprint };
  }

  /** A gRPC connection of a principal; closed with the provider. */
  channel(identity: EnrolledIdentity): RpcChannel {
    const channel = openChannel(identity, this.address, new Reach());
    this.#stack.defer(() => channel.close());
    return channel;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function changeSettings(file: string, limits: Readonly<Record<string, number>>, workers: number): Promise<void> {
  const settings = JSON.parse(await readFile(file, "utf8")) as { limits?: Record<string, number> };
  await writeFile(
    file,
    JSON.stringify({ ...settings, workers, limits: { ...settings.limits, ...limits } }, undefined, 2),
  );
}
