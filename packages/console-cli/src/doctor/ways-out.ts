import { CLOUD_SERVER_NAME } from "@drawbridge/control/identity";
import type { Reach } from "@drawbridge/dataplane";
import type { NetworkChoice } from "../network-options.ts";
import { openReach, type OpenedReach } from "../open-reach.ts";
import type { CommandContext } from "../run-command.ts";
import type { LegWays } from "./steps/leg-step.ts";

/** How this machine gets out, as the doctor tries it. */
export interface WaysOut {
  /** What command line, home and environment say, and which of them did. */
  readonly chosen: OpenedReach;
  readonly legs: LegWays;
}

/** The ways that the settings of a role leave open. Errors: as `openReach`. */
export async function waysOut(
  context: CommandContext,
  role: "tenant" | "operator",
  choice: NetworkChoice,
  certificateAuthorities: readonly string[],
): Promise<WaysOut> {
  const chosen = await openReach(context, role, choice);
  const trust = { serverName: CLOUD_SERVER_NAME, certificateAuthorities };
  const only = async (legTransport: "raw" | "tls"): Promise<Reach | undefined> => {
    if (chosen.reach.legTransport !== "auto" && chosen.reach.legTransport !== legTransport) return undefined;
    const { reach } = await openReach(context, role, { ...choice, legTransport });
    reach.trustForLegs(trust);
    return reach;
  };
  return { chosen, legs: { raw: await only("raw"), tls: await only("tls") } };
}
