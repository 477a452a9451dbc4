import type { CloseReason, LinkSetUp } from "@drawbridge/dataplane";
import type { PrincipalKind } from "../../identity/index.ts";
import { MetricSet } from "../../watching/metric-set.ts";
import { SOFTWARE } from "../../wire/software.ts";
import type { CloudFigures } from "./cloud-figures.ts";
import { CLOUD_METRICS, COUNTED_LIMITS } from "./cloud-metrics.ts";
import type { HandshakeFailure, Metrics } from "./metrics-port.ts";

const COUNTED: ReadonlySet<string> = new Set(COUNTED_LIMITS);

/** The cloud redirector's metrics for Prometheus. Made by `open`. */
export class PrometheusMetrics implements Metrics {
  readonly #set: MetricSet<typeof CLOUD_METRICS>;

  private constructor(set: MetricSet<typeof CLOUD_METRICS>) {
    this.#set = set;
  }

  static async open(): Promise<PrometheusMetrics> {
    const set = await MetricSet.open(CLOUD_METRICS);
    set.set("drawbridge_build_info", 1, SOFTWARE.slice(SOFTWARE.indexOf("/") + 1));
    return new PrometheusMetrics(set);
  }

  /** The form that {@link text} has, for HTTP. */
  get contentType(): string {
    return this.#set.contentType;
  }

  /** All metrics as of now, in Prometheus' text format. */
  text(): Promise<string> {
    return this.#set.text();
  }

  /** Asks for these figures before each scrape. */
  poll(figures: () => CloudFigures): void {
    this.#set.poll(() => this.#take(figures()));
  }

  tenantConnected(): void {
    this.#set.count("drawbridge_control_connections_total");
  }
  sessionRequested(): void {
    this.#set.count("drawbridge_sessions_requested_total");
  }
  sessionOpened(afterMs: number): void {
    this.#set.count("drawbridge_sessions_opened_total");
    this.#set.took("drawbridge_setup_seconds", afterMs, "consent");
  }
  sessionRefused(reason: CloseReason): void {
    this.#set.count("drawbridge_sessions_refused_total", reason.code);
  }
  sessionEnded(reason: CloseReason): void {
    this.#set.count("drawbridge_sessions_ended_total", reason.code);
  }
  linkRequested(): void {
    this.#set.count("drawbridge_links_requested_total");
  }
  linkPaired({ firstLegMs, pairedMs }: LinkSetUp): void {
    this.#step("first_leg", firstLegMs);
    this.#step("paired", pairedMs);
  }
  linkRefused(reason: CloseReason): void {
    this.#set.count("drawbridge_links_refused_total", reason.code);
    this.#limitHit(reason);
  }
  linkEnded(reason: CloseReason, { firstByteMs }: LinkSetUp): void {
    this.#set.count("drawbridge_links_ended_total", reason.code);
    this.#step("first_byte", firstByteMs);
  }
  socketRefused(reason: CloseReason): void {
    this.#set.count("drawbridge_sockets_refused_total", reason.code);
    this.#limitHit(reason);
  }
  callRefused(reason: CloseReason): void {
    this.#set.count("drawbridge_calls_refused_total", reason.code);
    this.#limitHit(reason);
  }
  handshakeFailed(why: HandshakeFailure): void {
    this.#set.count("drawbridge_handshake_failures_total", why);
  }
  enrolled(kind: PrincipalKind): void {
    this.#set.count("drawbridge_enrolments_total", kind);
  }
  auditFailed(): void {
    this.#set.count("drawbridge_audit_write_failures_total");
  }

  #step(step: "first_leg" | "paired" | "first_byte", ms: number | undefined): void {
    if (ms !== undefined) this.#set.took("drawbridge_setup_seconds", ms, step);
  }

  #limitHit({ limit }: CloseReason): void {
    if (limit !== undefined && COUNTED.has(limit)) this.#set.count("drawbridge_limits_hit_total", limit);
  }

  #take({ tenants, sessions, rendezvous, workers, silentSockets, draining, certificates }: CloudFigures): void {
    const set = this.#set;
    set.set("drawbridge_draining", draining ? 1 : 0);
    set.set("drawbridge_tenants", tenants.online, "online");
    set.set("drawbridge_tenants", tenants.offline, "offline");
    set.set("drawbridge_sessions", sessions.pending, "pending");
    set.set("drawbridge_sessions", sessions.open, "open");
    set.set("drawbridge_links", rendezvous.expectedLinks, "expected");
    set.set("drawbridge_links", rendezvous.splicedLinks, "spliced");
    set.set("drawbridge_spliced_links", rendezvous.splicedLinks - workers.links, "main");
    set.set("drawbridge_spliced_links", workers.links, "worker");
    set.set("drawbridge_workers", workers.up);
    set.setCounter("drawbridge_worker_deaths_total", workers.deaths);
    set.set("drawbridge_waiting_legs", rendezvous.waitingLegs);
    set.set("drawbridge_silent_sockets", silentSockets + rendezvous.silentSockets);
    set.setCounter("drawbridge_links_paired_total", rendezvous.pairedTotal);
    set.setCounter("drawbridge_link_bytes_total", rendezvous.bytes.toTenant, "to_tenant");
    set.setCounter("drawbridge_link_bytes_total", rendezvous.bytes.toRemote, "to_remote");
    for (const [certificate, expiresAt] of Object.entries(certificates))
      set.set("drawbridge_certificate_expiry_timestamp_seconds", Math.round(expiresAt / 1000), certificate);
  }
}
