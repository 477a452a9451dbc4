import { openCloudHome } from "@drawbridge/control/cloud";
import type { Step } from "../step.ts";
import type { ReadableCloudHome } from "./cloud-home-step.ts";

/** Opens the store, which works beside a cloud redirector that runs, and reads from it. */
export function storeStep(): Step<ReadableCloudHome, void> {
  return {
    id: "store",
    title: "store",
    timeoutMs: 10_000,
    async check({ path, isOwn }) {
      // SQLite's files beside the store would be made as this user's, and `cloud run` could not open them.
      if (!isOwn) return { outcome: "skipped", text: "it is another user's", value: undefined };
      const { store } = await openCloudHome(path);
      try {
        const [tenants, operators] = await Promise.all([
          store.principals.list("tenant"),
          store.principals.list("operator"),
        ]);
        const details = { tenants: tenants.length, operators: operators.length };
        const text = `it opens; enrolled tenants: ${tenants.length}, operators: ${operators.length}`;
        return { outcome: "ok", text, details, value: undefined };
      } finally {
        await store.close();
      }
    },
  };
}
