import type { DrawbridgeProcess } from "../../support/cli.ts";
import { startCli } from "../../support/cli.ts";

/** `drawbridge gateway run` as a process of its own. The caller ends its process. */
export interface GatewayProcess {
  readonly process: DrawbridgeProcess;
  /** Where it listens, `HOST:PORT`. */
  readonly address: string;
}

/** How {@link startGateway} starts it. */
export interface GatewayProcessOptions {
  /** Default: any port of `::1`. */
  readonly listen?: string;
  readonly args?: readonly string[];
}

/**
 * Starts a gateway. Unless told, it listens on `::1`: what comes through it has another address than the gateway itself,
 * which dials from 127.0.0.1. Its log is written at the finest level.
 */
export async function startGateway(
  clouds: readonly string[],
  { listen = "[::1]:0", args = [] }: GatewayProcessOptions = {},
): Promise<GatewayProcess> {
  const behind = clouds.flatMap((cloud) => ["--cloud", cloud]);
  const process = await startCli(
    ["gateway", "run", "--listen", listen, ...behind, "--json", "--log-level", "debug", ...args],
    { home: "/nowhere", name: "the cloud gateway" },
  );
  try {
    const ready = await process.waitForEvent("ready");
    return { process, address: String(ready["address"]) };
  } catch (error) {
    await process.stop();
    throw error;
  }
}
