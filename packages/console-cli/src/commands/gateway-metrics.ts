import { type MetricDefinitions, MetricSet } from "@drawbridge/control/watching";
import { SOFTWARE } from "@drawbridge/control/wire";
import {
  type Address,
  type CloudGatewayStats,
  ERROR_CODES,
  formatAddress,
  type GatewayCloud,
  type Refusal,
} from "@drawbridge/dataplane";

const COUNTED_LIMITS = ["silentSocketsPerAddress", "silentSockets", "connectionsPerAddress", "connections"] as const;

/** Every metric of a cloud gateway. */
export const GATEWAY_METRICS = {
  drawbridge_build_info: { kind: "gauge", help: "Always 1; the version that runs.", label: "version" },
  drawbridge_gateway_connections: {
    kind: "gauge",
    help: "Connections that are passed on, or whose cloud redirector is being dialled.",
  },
  drawbridge_gateway_cloud_up: {
    kind: "gauge",
    help: "1 for a cloud redirector that answers, 0 for one that does not; by its address, as --cloud has it.",
    label: "cloud",
  },
  drawbridge_silent_sockets: { kind: "gauge", help: "Sockets that have not said what they are." },
  drawbridge_sockets_refused_total: {
    kind: "counter",
    help: "Sockets that were closed without a word.",
    label: "reason",
    values: ERROR_CODES,
  },
  drawbridge_limits_hit_total: {
    kind: "counter",
    help: "How often something was refused, or had to make room, because of a limit of the command line.",
    label: "limit",
    values: COUNTED_LIMITS,
  },
} as const satisfies MetricDefinitions;

/** The metrics of a cloud gateway. Made by `open`. */
export class GatewayMetrics {
  readonly set: MetricSet<typeof GATEWAY_METRICS>;

  private constructor(set: MetricSet<typeof GATEWAY_METRICS>) {
    this.set = set;
  }

  /** @param clouds count as up until one is found to be down. */
  static async open(clouds: readonly Address[]): Promise<GatewayMetrics> {
    const set = await MetricSet.open(GATEWAY_METRICS);
    set.set("drawbridge_build_info", 1, SOFTWARE.slice(SOFTWARE.indexOf("/") + 1));
    for (const cloud of clouds) set.set("drawbridge_gateway_cloud_up", 1, formatAddress(cloud));
    return new GatewayMetrics(set);
  }

  /** Asks for these figures before each scrape. */
  poll(stats: () => CloudGatewayStats): void {
    this.set.poll(() => {
      const { connections, silentSockets } = stats();
      this.set.set("drawbridge_gateway_connections", connections);
      this.set.set("drawbridge_silent_sockets", silentSockets);
    });
  }

  health({ address, health }: GatewayCloud): void {
    this.set.set("drawbridge_gateway_cloud_up", health.kind === "down" ? 0 : 1, formatAddress(address));
  }

  refused({ reason }: Refusal): void {
    this.set.count("drawbridge_sockets_refused_total", reason.code);
    if (COUNTED_LIMITS.some((limit) => limit === reason.limit))
      this.set.count("drawbridge_limits_hit_total", reason.limit);
  }
}
