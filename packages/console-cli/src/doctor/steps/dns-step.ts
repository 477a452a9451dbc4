import { isIP } from "node:net";
import { fromNodeError, resolveHost, type Address } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";

/**
 * Looks a host's name up.
 *
 * @param isDialledHere false where a proxy dials it: then the proxy's own look-up counts, and this one is only a hint
 */
export function dnsStep({ host }: Address, subject: string | undefined, isDialledHere: boolean): Step<undefined, void> {
  return {
    id: "dns",
    title: "DNS",
    ...(subject !== undefined && { subject }),
    timeoutMs: 10_000,
    async check() {
      if (isIP(host) !== 0)
        return { outcome: "skipped", text: `${host} is an IP address: nothing to look up`, value: undefined };
      try {
        const addresses = await resolveHost(host);
        const text = `${host} is ${addresses.join(", ")}`;
        return { outcome: "ok", text, details: { addresses }, value: undefined };
      } catch (error) {
        const failure = fromNodeError(error, host, "dial");
        if (isDialledHere) throw failure;
        const text = `${failure.message}; the proxy looks it up by itself`;
        return { outcome: "ok", text, value: undefined };
      }
    },
  };
}
