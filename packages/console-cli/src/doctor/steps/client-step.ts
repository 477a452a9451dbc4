import { DrawbridgeError } from "@drawbridge/dataplane";
import { detectClient, systemEnvironment } from "../../clients/index.ts";
import type { Step } from "../step.ts";

/** Looks for the RDP client that `connect` would start. */
export function clientStep(): Step<undefined, void> {
  return {
    id: "client",
    title: "RDP client",
    timeoutMs: 10_000,
    async check() {
      try {
        const { name, version, path } = await detectClient("auto", systemEnvironment());
        const text = `${name}${version === undefined ? "" : ` ${version}`}, ${path}`;
        return { outcome: "ok", text, details: { client: name, path }, value: undefined };
      } catch (error) {
        if (!(error instanceof DrawbridgeError)) throw error;
        return { outcome: "warning", text: error.message, remedy: error.remedy, value: undefined };
      }
    },
  };
}
