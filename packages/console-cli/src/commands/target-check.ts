import type { RemoteRedirector } from "@drawbridge/control/remote";
import { closeReasonError, DrawbridgeError, toDrawbridgeError } from "@drawbridge/dataplane";
import { describeBytes } from "../rdp/describe-bytes.ts";
import { probeRdp, type ProbeResult } from "../rdp/probe-rdp.ts";
import type { ServerCertificate } from "../rdp/server-certificate.ts";
import { securityName } from "../rdp/security-protocol.ts";
import { withinTime } from "../within-time.ts";

/** What a look at the target found, before an RDP client is started on it. */
export type TargetFinding =
  | {
      readonly outcome: "answers";
      /** What the server selected of what clients offer, for people. */
      readonly security: string;
      readonly certificate: ServerCertificate | undefined;
    }
  /** Something answers that is no RDP server. */
  | { readonly outcome: "not-rdp"; readonly seen: string }
  /** It took too long. */
  | { readonly outcome: "late"; readonly afterMs: number };

/** How the target is looked at. */
export interface TargetCheckOptions {
  /** The tenant's and the target's names, for the errors' texts. */
  readonly name: string;
  /** Whether TLS is begun too, to see the certificate: one or two round trips more. */
  readonly wantsCertificate: boolean;
  /** How long it may take, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Asks, from end to end through a link of its own, whether the target's RDP server answers.
 *
 * Errors: `target-unreachable` where it does not; what else refused the link; the signal's reason.
 */
export async function checkTarget(
  remote: Pick<RemoteRedirector, "openLink">,
  options: TargetCheckOptions,
): Promise<TargetFinding> {
  const { name, wantsCertificate, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  const late = new DrawbridgeError("handshake-timeout", `the RDP service of ${name} is slow to answer`);
  let result: ProbeResult;
  try {
    result = await withinTime(timeoutMs, late, signal, (limit) => ask(remote, wantsCertificate, limit));
  } catch (error) {
    if (error === late) return { outcome: "late", afterMs: timeoutMs };
    const { code, message, remedy } = toDrawbridgeError(error);
    if (code !== "target-unreachable") throw error;
    throw deadTarget(name, message, remedy, error);
  }
  return findingOf(result, name);
}

/** Errors: what refused the link. */
async function ask(
  remote: Pick<RemoteRedirector, "openLink">,
  wantsCertificate: boolean,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { stream, closed } = await remote.openLink(signal);
  const result = await probeRdp(stream, { wantsCertificate, signal });
  if (result.kind !== "closed") return result;
  // A plain link looks open before the tenant has refused it.
  const { reason } = await closed;
  if (reason.code === "closed") return result;
  throw closeReasonError(reason);
}

function findingOf(result: ProbeResult, name: string): TargetFinding {
  if (result.kind === "closed") {
    throw deadTarget(name, "it takes the connection and closes it without a word", "", undefined);
  }
  if (result.kind === "not-rdp") return { outcome: "not-rdp", seen: describeBytes(result.seen) };
  const { answer, certificate } = result;
  switch (answer.kind) {
    case "selected":
      return { outcome: "answers", security: securityName(answer.protocol), certificate };
    case "legacy":
      return { outcome: "answers", security: securityName("rdp"), certificate };
    case "failure":
      return { outcome: "answers", security: `none that clients usually offer (${answer.failure})`, certificate };
  }
}

function deadTarget(name: string, why: string, remedy: string, cause: unknown): DrawbridgeError {
  const usual = "Check at the tenant that the RDP server runs there: `drawbridge doctor`.";
  return new DrawbridgeError("target-unreachable", `the RDP service of ${name} does not answer: ${why}`, {
    remedy: `${remedy || usual} With --no-check the client is started all the same.`,
    cause,
  });
}
