import { dialProxy, formatProxy, type Address, type Reach } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";

/** Sees whether the proxy on the way to a gateway answers, if there is one. */
export function proxyStep(reach: Reach, address: Address, subject: string | undefined): Step<undefined, void> {
  return {
    id: "proxy",
    title: "proxy",
    ...(subject !== undefined && { subject }),
    timeoutMs: 10_000,
    async check(_input, signal) {
      const proxy = reach.proxyFor(address);
      if (proxy === undefined) return { outcome: "skipped", text: "there is none on the way", value: undefined };
      (await dialProxy(proxy, { signal })).destroy();
      const withPassword = proxy.credentials === undefined ? "" : ", with a user name";
      const shown = formatProxy(proxy);
      return { outcome: "ok", text: `${shown} answers${withPassword}`, details: { proxy: shown }, value: undefined };
    },
  };
}
