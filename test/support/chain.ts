import { Chain } from "../../scripts/demo/chain.ts";
import type { ChainOptions } from "../../scripts/demo/chain.ts";
import type { DrawbridgeProcess } from "../../scripts/demo/drawbridge.ts";
import { expectCleanExit } from "./cli.ts";

export { Chain };
export type { ChainOptions };

/** A session with a loopback listener and no RDP client. */
export interface ListeningSession extends AsyncDisposable {
  /** `127.0.0.1:PORT`: dial it, and a link opens. */
  readonly address: string;
  readonly port: number;
  readonly process: DrawbridgeProcess;
}

/**
 * Cloud redirector, tenant redirector (online) and an enrolled operator as real processes with homes of their own; end
 * them with {@link stopChain}.
 */
export function startChain(targets: readonly string[], options: Omit<ChainOptions, "targets"> = {}): Promise<Chain> {
  return Chain.start({ ...options, targets });
}

/** How long a process may take to end on a machine that has much else to do, before it is killed. */
const STOP_GRACE_MS = 20_000;

/** Ends a chain, the newest process first, and asserts that each of them ended on SIGTERM with code 0. */
export async function stopChain(chain: Chain): Promise<void> {
  for (const process of chain.processes.toReversed()) await process.stop(STOP_GRACE_MS);
  await chain[Symbol.asyncDispose]();
  for (const process of chain.processes) expectCleanExit(process);
}

/**
 * Opens a session with `connect --client none --json` and resolves once its listener can be dialled. It listens on
 * 127.0.0.1 and any free port, unless the arguments say otherwise.
 */
export async function openSession(chain: Chain, target = "rdp", args: string[] = []): Promise<ListeningSession> {
  // The last of two counts.
  const listen = ["--listen", "127.0.0.1:0"];
  const process = await chain.connect(["--target", target, "--client", "none", ...listen, ...args]);
  try {
    const { address } = await process.waitForEvent("listening");
    const text = String(address);
    return {
      address: text,
      port: Number(text.slice(text.lastIndexOf(":") + 1)),
      process,
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  } catch (error) {
    await process.stop();
    throw error;
  }
}
