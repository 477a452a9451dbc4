import { dial, formatAddress, type Address } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";

/** Dials a target as the tenant redirector does, with the same guard. */
export function targetStep(name: string, address: Address): Step<undefined, void> {
  return {
    id: "target",
    title: "target",
    subject: name,
    timeoutMs: 12_000,
    async check(_input, signal) {
      const at = formatAddress(address);
      (await dial(address, { isTarget: true, signal })).destroy();
      return { outcome: "ok", text: `${at} answers`, details: { address: at }, value: undefined };
    },
  };
}
