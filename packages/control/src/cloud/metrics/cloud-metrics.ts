import { ERROR_CODES } from "@drawbridge/dataplane";
import type { MetricDefinitions } from "../../watching/metric-set.ts";
import type { HandshakeFailure, SetUpStep } from "./metrics-port.ts";

/** Limits that can be hit where it can be seen: how many calls a connection has open is kept by HTTP/2 itself. */
export const COUNTED_LIMITS = [
  "silentSocketsPerAddress",
  "silentSockets",
  "handshakesPerAddress",
  "handshakes",
  "anonymousPerAddress",
  "anonymous",
  "enrollmentsPerAddressPerMinute",
  "enrollmentsPerMinute",
  "connectionsPerPrincipal",
  "waitingLegsPerTenant",
  "waitingLegsPerAddress",
  "waitingLegs",
  "links",
  "linksPerSession",
  "sessionsPerOperator",
  "sessionsPerTenant",
  "sessions",
  "pendingInvites",
] as const;

/** The steps of a set-up. */
export const SET_UP_STEPS: readonly SetUpStep[] = ["consent", "first_leg", "paired", "first_byte"];
/** Why handshakes fail. */
export const HANDSHAKE_FAILURES: readonly HandshakeFailure[] = ["timeout", "gone", "tls"];

/** From a link on loopback to a person who is asked, in seconds. */
const SET_UP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Every metric of the cloud redirector. */
export const CLOUD_METRICS = {
  drawbridge_build_info: { kind: "gauge", help: "Always 1; the version that runs.", label: "version" },
  drawbridge_draining: { kind: "gauge", help: "1 while no new sessions are taken, else 0." },
  drawbridge_tenants: {
    kind: "gauge",
    help: "Tenants that are enrolled.",
    label: "state",
    values: ["online", "offline"],
  },
  drawbridge_control_connections_total: { kind: "counter", help: "Control connections that were welcomed." },
  drawbridge_sessions: { kind: "gauge", help: "Sessions.", label: "state", values: ["pending", "open"] },
  drawbridge_sessions_requested_total: { kind: "counter", help: "Sessions that operators asked for." },
  drawbridge_sessions_opened_total: { kind: "counter", help: "Sessions that tenants accepted." },
  drawbridge_sessions_refused_total: {
    kind: "counter",
    help: "Sessions that were asked for and never opened.",
    label: "reason",
    values: ERROR_CODES,
  },
  drawbridge_sessions_ended_total: {
    kind: "counter",
    help: "Sessions that were open and are over.",
    label: "reason",
    values: ERROR_CODES,
  },
  drawbridge_setup_seconds: {
    kind: "histogram",
    help: "Set-up: from asking for a session to the tenant's consent; from asking for a link to its first leg, to both legs, and (once it is over) to its first byte.",
    label: "step",
    values: SET_UP_STEPS,
    buckets: SET_UP_BUCKETS,
  },
  drawbridge_links: {
    kind: "gauge",
    help: "Links: expected ones wait for a leg, spliced ones carry bytes.",
    label: "state",
    values: ["expected", "spliced"],
  },
  drawbridge_spliced_links: {
    kind: "gauge",
    help: "Links that carry bytes, by what copies them: the main process, or a worker.",
    label: "place",
    values: ["main", "worker"],
  },
  drawbridge_workers: { kind: "gauge", help: "Worker processes that take links." },
  drawbridge_worker_deaths_total: {
    kind: "counter",
    help: "Worker processes that ended, or were ended because they did not answer.",
  },
  drawbridge_waiting_legs: { kind: "gauge", help: "Legs that wait for their other leg." },
  drawbridge_links_requested_total: { kind: "counter", help: "Links that operators asked for." },
  drawbridge_links_paired_total: { kind: "counter", help: "Links whose legs came together, test links too." },
  drawbridge_links_refused_total: {
    kind: "counter",
    help: "Links that were refused, here or by the tenant.",
    label: "reason",
    values: ERROR_CODES,
  },
  drawbridge_links_ended_total: {
    kind: "counter",
    help: "Links that are over.",
    label: "reason",
    values: ERROR_CODES,
  },
  drawbridge_link_bytes_total: {
    kind: "counter",
    help: "Bytes that went through links, those that run too.",
    label: "direction",
    values: ["to_tenant", "to_remote"],
  },
  drawbridge_silent_sockets: {
    kind: "gauge",
    help: "Sockets that have not said what they are, and legs without preface.",
  },
  drawbridge_sockets_refused_total: {
    kind: "counter",
    help: "Sockets that were closed without a word.",
    label: "reason",
    values: ERROR_CODES,
  },
  drawbridge_handshake_failures_total: {
    kind: "counter",
    help: "TLS handshakes that failed: too slow (timeout), given up by the peer (gone; enrolling does so once), or not what TLS allows (tls).",
    label: "reason",
    values: HANDSHAKE_FAILURES,
  },
  drawbridge_calls_refused_total: {
    kind: "counter",
    help: "Calls that ended with an error.",
    label: "reason",
    values: ERROR_CODES,
  },
  drawbridge_limits_hit_total: {
    kind: "counter",
    help: "How often something was refused, or had to make room, because of a limit of settings.json.",
    label: "limit",
    values: COUNTED_LIMITS,
  },
  drawbridge_enrolments_total: {
    kind: "counter",
    help: "Invite codes that were redeemed.",
    label: "kind",
    values: ["tenant", "operator"],
  },
  drawbridge_audit_write_failures_total: {
    kind: "counter",
    help: "Records that could not be written into the audit log or the session history.",
  },
  drawbridge_certificate_expiry_timestamp_seconds: {
    kind: "gauge",
    help: "When a certificate of the cloud redirector's own expires, in seconds since the Unix epoch.",
    label: "certificate",
    values: ["ca", "server"],
  },
} as const satisfies MetricDefinitions;
