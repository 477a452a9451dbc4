import type { Duplex } from "node:stream";
import { probeRdp, type ProbeResult } from "./probe-rdp.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { type SecurityProtocol, securityName } from "./security-protocol.ts";

/** Which security an RDP server offers. */
export interface RdpSecurity {
  readonly kind: "rdp";
  /** What it selects when it is offered nothing else; best first. */
  readonly offers: readonly SecurityProtocol[];
  /** Whether it takes nobody without NLA. */
  readonly nlaRequired: boolean;
  /** Undefined where it has none, or TLS with it failed. */
  readonly certificate: ServerCertificate | undefined;
}

/** What a server is found to be. */
export type RdpSurvey = RdpSecurity | Exclude<ProbeResult, { kind: "rdp" }>;

/** What a server is offered beside the usual, each alone and on a connection of its own. */
const ALONE: readonly SecurityProtocol[] = ["tls", "rdp", "rdstls"];

/**
 * Finds out which security an RDP server offers, by asking it several times: it names only the best of what it is
 * offered. Opens four connections, one after the other.
 *
 * @param dial opens a connection to the server. Errors: its, and the signal's reason.
 */
export async function surveyRdp(
  dial: (signal: AbortSignal) => Promise<Duplex>,
  signal: AbortSignal,
): Promise<RdpSurvey> {
  const first = await probeRdp(await dial(signal), { wantsCertificate: true, signal });
  if (first.kind !== "rdp") return first;
  const offers = new Set<SecurityProtocol>();
  if (first.answer.kind === "selected") offers.add(first.answer.protocol);
  if (first.answer.kind === "legacy") offers.add("rdp");
  for (const protocol of first.answer.kind === "legacy" ? [] : ALONE) {
    const said = await probeRdp(await dial(signal), { protocols: [protocol], signal });
    if (said.kind === "rdp" && takes(said, protocol)) offers.add(protocol);
  }
  const hasNla = offers.has("nla") || offers.has("nla-ex");
  const nlaRequired = hasNla && !offers.has("tls") && !offers.has("rdp");
  return { kind: "rdp", offers: [...offers], nlaRequired, certificate: first.certificate };
}

/** A server that is offered standard security only may leave the negotiation out of its answer. */
function takes({ answer }: Extract<ProbeResult, { kind: "rdp" }>, protocol: SecurityProtocol): boolean {
  if (answer.kind === "legacy") return protocol === "rdp";
  return answer.kind === "selected" && answer.protocol === protocol;
}

/** A server's security in words: `NLA (CredSSP), TLS; NLA is not required`. */
export function describeSecurity({ offers, nlaRequired }: RdpSecurity): string {
  const names = offers.map(securityName).join(", ");
  return `${names === "" ? "no security that is known" : names}; NLA is ${nlaRequired ? "required" : "not required"}`;
}
