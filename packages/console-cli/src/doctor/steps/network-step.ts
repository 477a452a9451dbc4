import { formatProxy } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";
import type { WaysOut } from "../ways-out.ts";

/** Reads how this machine is to get out: proxy and leg transport, and where that is said. */
export function networkStep(open: () => Promise<WaysOut>): Step<undefined, WaysOut> {
  return {
    id: "network",
    title: "way out",
    timeoutMs: 5_000,
    async check() {
      const ways = await open();
      const { proxy, source, reach } = ways.chosen;
      const shown = proxy === undefined ? "none" : formatProxy(proxy);
      const said = source === undefined ? "" : ` (from ${source})`;
      const text = `${proxy === undefined ? "no proxy" : `proxy ${shown}`}${said}; legs: ${reach.legTransport}`;
      return { outcome: "ok", text, details: { proxy: shown, source, legTransport: reach.legTransport }, value: ways };
    },
  };
}
