import { formatAddress, systemClock } from "@drawbridge/dataplane";
import { type Colours, formatBytes, formatDuration, renderTable } from "../rendering/index.ts";
import type { Forwarder, ForwardState } from "./forwarder.ts";

/** The forwards as a table for people. */
export function forwardTable(forwarders: readonly Forwarder[], width: number | undefined, colours: Colours): string {
  const paint = (text: string, { state }: Forwarder): string =>
    state.name === "open" ? colours.green(text) : state.name === "ended" ? colours.red(text) : colours.yellow(text);
  const bytes = ({ state }: Forwarder, key: "toTenant" | "toRemote"): string =>
    state.name === "open" ? formatBytes(state.remote.counts()[key]) : "";
  return renderTable(
    [
      { header: "LOCAL", cell: ({ rule }) => formatAddress(rule.listen), whole: true },
      { header: "TENANT", cell: ({ rule }) => rule.tenant },
      { header: "TARGET", cell: ({ rule }) => rule.target },
      { header: "STATE", cell: ({ state }) => describeState(state), paint },
      { header: "TO TENANT", cell: (forward) => bytes(forward, "toTenant"), align: "right", dispensable: 2 },
      { header: "BACK", cell: (forward) => bytes(forward, "toRemote"), align: "right", dispensable: 1 },
    ],
    forwarders,
    { width, colours },
  );
}

/** A state in words. */
export function describeState(state: ForwardState): string {
  switch (state.name) {
    case "opening":
      return "opening";
    case "pending":
      return "waiting for the tenant's consent";
    case "open":
      return `open for ${formatDuration(systemClock.now() - state.since)}`;
    case "waiting":
      return `again in ${formatDuration(state.until - systemClock.now())}: ${state.why.message}`;
    case "ended":
      return `ended: ${state.why.message}`;
  }
}
