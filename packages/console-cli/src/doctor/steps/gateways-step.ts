import type { Gateways } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";

/** Finds out where the provider is reached: of SRV names, what stands behind them. */
export function gatewaysStep(gateways: Gateways): Step<undefined, readonly string[]> {
  return {
    id: "gateways",
    title: "gateways",
    timeoutMs: 15_000,
    async check() {
      const places = await gateways.inOrder();
      const text = `the provider is reached at ${places.join(", ")}`;
      return { outcome: "ok", text, details: { gateways: places }, value: places };
    },
  };
}
