import type { RendezvousStats, SpliceWorkersStats } from "@drawbridge/dataplane";
import type { SessionBroker } from "../session-broker.ts";
import type { TenantRegistry } from "../tenant-registry.ts";

/** Figures that are polled: what is there now, and the rendezvous' own counts. */
export interface CloudFigures {
  readonly tenants: { readonly online: number; readonly offline: number };
  readonly sessions: { readonly pending: number; readonly open: number };
  readonly rendezvous: RendezvousStats;
  readonly workers: SpliceWorkersStats;
  /** Sockets at the front door that have said nothing. */
  readonly silentSockets: number;
  readonly draining: boolean;
  /** When the own certificates expire, in milliseconds since the Unix epoch. */
  readonly certificates: { readonly ca: number; readonly server: number };
}

/** Counts tenants and sessions by state. */
export function countStates(
  registry: TenantRegistry,
  broker: SessionBroker,
): Pick<CloudFigures, "tenants" | "sessions" | "draining"> {
  const all = registry.list();
  const online = all.filter(({ presence }) => presence.name === "online").length;
  const sessions = broker.list();
  const open = sessions.filter(({ state }) => state.name === "open").length;
  return {
    tenants: { online, offline: all.length - online },
    sessions: { open, pending: sessions.length - open },
    draining: broker.draining.aborted,
  };
}
