import { dial } from "@drawbridge/dataplane";
import { probeRdpWithin, type ProbeResult } from "../../../packages/console-cli/src/rdp/probe-rdp.ts";

/**
 * What an address answers to an RDP negotiation request for TLS: that it takes TLS, that it insists on NLA, that it
 * only knows RDP's own security, or nothing that RDP servers say.
 */
export type RdpKind = "tls" | "nla" | "rdp" | "none";

const TIMEOUT_MS = 2_000;

/** Asks a port of this machine whether an RDP server is there. Never fails: silence and refusal are "none". */
export async function rdpKindAt(port: number, timeoutMs = TIMEOUT_MS): Promise<RdpKind> {
  const { signal } = new AbortController();
  try {
    const connection = await dial({ host: "127.0.0.1", port }, { timeoutMs });
    return kindOf(await probeRdpWithin(connection, timeoutMs, { protocols: ["tls"], signal }));
  } catch {
    return "none";
  }
}

function kindOf(result: ProbeResult): RdpKind {
  if (result.kind !== "rdp") return "none";
  const { answer } = result;
  if (answer.kind === "selected") return answer.protocol === "tls" ? "tls" : "rdp";
  const wantsNla = answer.kind === "failure" && /^(nla-required|tls-with-user-auth-required)$/.test(answer.failure);
  return wantsNla ? "nla" : "rdp";
}
