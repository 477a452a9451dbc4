import { stat } from "node:fs/promises";
import { readCloudHome, type CloudHomeFiles } from "@drawbridge/control/cloud";
import type { Step } from "../step.ts";

/** A cloud redirector's home, as far as it may be looked at. */
export interface ReadableCloudHome extends CloudHomeFiles {
  readonly path: string;
  /** Whether its files are this user's, so that what is opened in it does no harm. */
  readonly isOwn: boolean;
}

/** Reads a cloud redirector's home, without its store. */
export function cloudHomeStep(path: string): Step<undefined, ReadableCloudHome> {
  return {
    id: "home",
    title: "home",
    timeoutMs: 5_000,
    async check() {
      const files = await readCloudHome(path);
      const { uid } = await stat(path);
      const isOwn = process.getuid === undefined || process.getuid() === uid;
      const text = `provider ${files.authority.provider}, reached at ${files.settings.publicAddress}`;
      const value = { ...files, path, isOwn };
      if (isOwn) return { outcome: "ok", text, value };
      const remedy = "Run as the user that runs `drawbridge cloud run`: its store is left alone now.";
      return { outcome: "warning", text: `${text}; another user's`, remedy, value };
    },
  };
}
