import { statfs } from "node:fs/promises";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { formatBytes } from "../../rendering/index.ts";
import type { Step } from "../step.ts";
import type { ReadableCloudHome } from "./cloud-home-step.ts";

const MIB = 1024 * 1024;
const SCARCE_BYTES = 1024 * MIB;
const TOO_LITTLE_BYTES = 32 * MIB;

/** Looks how much room the home has: a store that cannot write lets nobody in. */
export function diskStep(): Step<ReadableCloudHome, void> {
  return {
    id: "disk",
    title: "disk",
    timeoutMs: 5_000,
    async check({ path }) {
      const { bavail, bsize } = await statfs(path);
      const free = bavail * bsize;
      const text = `${formatBytes(free)} are free`;
      const remedy = "Make room on the disk that holds the home: the store and the audit log grow.";
      if (free < TOO_LITTLE_BYTES) throw new DrawbridgeError("limit-exceeded", `only ${text}`, { remedy });
      const details = { freeBytes: free };
      if (free < SCARCE_BYTES) return { outcome: "warning", text: `only ${text}`, remedy, details, value: undefined };
      return { outcome: "ok", text, details, value: undefined };
    },
  };
}
