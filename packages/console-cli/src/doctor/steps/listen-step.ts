import { dial, DrawbridgeError, formatAddress, parseAddress, toDrawbridgeError } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";
import type { ReadableCloudHome } from "./cloud-home-step.ts";

/** The loopback address of a listener on all addresses, which itself cannot be dialled everywhere. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Dials where `cloud run` listens by the settings, on this machine. */
export function listenStep(): Step<ReadableCloudHome, void> {
  return {
    id: "listen",
    title: "listens",
    timeoutMs: 12_000,
    async check({ settings }, signal) {
      const { host, port } = parseAddress(settings.listen);
      const at = formatAddress({ host: LOOPBACK[host] ?? host, port });
      try {
        (await dial(parseAddress(at), { signal })).destroy();
      } catch (error) {
        const { message } = toDrawbridgeError(error);
        throw new DrawbridgeError("unavailable", `no cloud redirector listens here: ${message}`, {
          remedy: "Start `drawbridge cloud run`; if it was given another --listen, correct `listen` in settings.json.",
          cause: error,
        });
      }
      return { outcome: "ok", text: `something listens on ${at}`, details: { address: at }, value: undefined };
    },
  };
}
