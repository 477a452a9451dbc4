import type { TenantEntry } from "@drawbridge/control/remote";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { plainText } from "../rendering/index.ts";

/** How many names are shown at a time. */
const SHOWN = 10;

/** Enter that was pressed before there was a list, or on an empty one, chooses nothing. */
const refuseNothing = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? undefined : "Choose one of the list, or Ctrl-C.";

/**
 * Lets a person choose a tenant, on a terminal: with the arrow keys, or by typing a part of its name.
 *
 * Errors: `cancelled` when nothing is chosen; the signal's reason.
 */
export async function pickTenant(
  message: string,
  tenants: readonly TenantEntry[],
  signal: AbortSignal,
): Promise<string> {
  // Loaded here because few commands ever ask, and all of them would have to wait for it.
  const { autocomplete, isCancel } = await import("@clack/prompts");
  const options = tenants.map(({ name, state, groups }) => ({
    value: name,
    label: plainText(name),
    hint: plainText([state, ...groups].join(", ")),
  }));
  // Standard output is for results.
  const chosen = await autocomplete({
    message,
    options,
    maxItems: SHOWN,
    validate: refuseNothing,
    signal,
    output: process.stderr,
  });
  signal.throwIfAborted();
  if (!isCancel(chosen)) return chosen;
  throw new DrawbridgeError("cancelled", "no tenant was chosen", { remedy: "Name one: `drawbridge connect TENANT`." });
}
