import type { RemoteRedirector } from "@drawbridge/control/remote";
import { formatDuration, plain, type Output } from "../rendering/index.ts";
import { certificateRecord, type ServerCertificate } from "../rdp/server-certificate.ts";
import type { CommandContext } from "../run-command.ts";
import { checkTarget, type TargetFinding } from "./target-check.ts";

/** What a look at a target came to. */
export type LookOutcome =
  /** The session is over, and no client is to be started. */
  | { readonly kind: "over" }
  | {
      readonly kind: "go-on";
      /** Whether what answers is an RDP server, as far as anything answered. */
      readonly isRdp: boolean;
      /** Undefined where it has none, or did not answer in time. */
      readonly certificate: ServerCertificate | undefined;
    };

/** Which target is looked at, and for whom. */
export interface CheckBeforeClientOptions {
  readonly tenant: string;
  readonly target: string;
  /** Whether what is found is told where nothing is wrong. */
  readonly verbose: boolean;
}

/**
 * Looks at the target of an open session before an RDP client is started on it, and tells what is found.
 *
 * @throws DrawbridgeError `target-unreachable` where the target is dead, and what else refused the link: the session is
 *   ended then
 */
export async function checkBeforeClient(
  { output, signal }: CommandContext,
  remote: RemoteRedirector,
  { tenant, target, verbose }: CheckBeforeClientOptions,
): Promise<LookOutcome> {
  const name = `${tenant}/${target}`;
  let isOver = false;
  void remote.closed.then(() => (isOver = true));
  const over = (): boolean => isOver || signal.aborted;
  output.status.update(`checking whether ${name} answers …`);
  const startedAt = performance.now();
  let found: LookOutcome = { kind: "go-on", isRdp: true, certificate: undefined };
  try {
    const finding = await checkTarget(remote, { name, wantsCertificate: true, signal });
    output.status.clear();
    const certificate = finding.outcome === "answers" ? finding.certificate : undefined;
    found = { kind: "go-on", isRdp: finding.outcome !== "not-rdp", certificate };
    tell(output, name, finding, Math.round(performance.now() - startedAt), verbose);
  } catch (error) {
    // A link that the session's end refused has nothing to say of the target.
    if (!over()) await settled(remote);
    if (!over()) {
      await remote.stop({ code: "closed", message: "the target does not answer" });
      throw error;
    }
  }
  if (signal.aborted) await remote.stop({ code: "closed", message: "the operator ended the session" });
  return over() ? { kind: "over" } : found;
}

function tell(output: Output, name: string, finding: TargetFinding, ms: number, verbose: boolean): void {
  const certificate = finding.outcome === "answers" && finding.certificate && certificateRecord(finding.certificate);
  output.record({ event: "target-checked", ms, ...finding, ...(certificate && { certificate }) });
  if (output.json) return;
  switch (finding.outcome) {
    case "answers": {
      const { security, certificate } = finding;
      const proof = certificate && `; certificate of "${certificate.name}", SHA-256 ${certificate.fingerprint}`;
      if (verbose) output.note(plain`${name} answers: ${security}${proof ?? ""}; checked in ${ms} ms.`);
      break;
    }
    case "not-rdp":
      output.note(plain`drawbridge: what answers at ${name} is no RDP server: it is ${finding.seen}.`);
      break;
    case "late":
      output.note(
        plain`drawbridge: ${name} has not answered for ${formatDuration(finding.afterMs)}; the client is started all the same.`,
      );
  }
}

/** The session's end and the end of its links are told one right after the other. */
async function settled(remote: RemoteRedirector): Promise<void> {
  await Promise.race([remote.closed, new Promise((resolve) => setImmediate(resolve))]);
}
