import type { TenantEntry } from "@drawbridge/control/remote";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { type Output, plain } from "../rendering/index.ts";
import { matchTenant } from "./match-tenant.ts";
import { pickTenant } from "./pick-tenant.ts";

/** How many names an error lists. */
const LISTED = 10;

/** What finding a tenant takes. */
export interface TenantQuestion {
  /** What was typed; empty: nothing. */
  readonly typed: string;
  /** The tenants that the operator may reach. */
  readonly tenants: readonly TenantEntry[];
  readonly output: Pick<Output, "note">;
  /** Whether a person can be asked. Programs need exact names: nothing is guessed for them. */
  readonly canAsk: boolean;
  readonly signal: AbortSignal;
}

/** How a person is asked. */
export type TenantPicker = typeof pickTenant;

/**
 * Finds the tenant that a person means, of whose name only a part may have been typed. A guess is told before it is used.
 *
 * Errors: `tenant-not-found` where nothing fits, or nobody can be asked; its remedy then lists what fits. `cancelled`.
 */
export async function resolveTenant(question: TenantQuestion, pick: TenantPicker = pickTenant): Promise<string> {
  const { typed, tenants, output, canAsk, signal } = question;
  const match = matchTenant(
    typed,
    tenants.map(({ name }) => name),
  );
  switch (match.kind) {
    case "exact":
      return match.name;
    case "none":
      throw notFound(typed, [], tenants.length);
    case "one":
      if (!canAsk) throw notFound(typed, [match.name], tenants.length);
      if (typed === "") output.note(plain`drawbridge: taking ${match.name}, the only tenant that you may reach.`);
      else output.note(plain`drawbridge: there is no tenant ${typed}: taking ${match.name}, the only one like it.`);
      return match.name;
    case "several": {
      if (!canAsk) throw notFound(typed, match.names, tenants.length);
      const offered = tenants.filter(({ name }) => match.names.includes(name));
      const message = typed === "" ? "Which tenant?" : `Several tenants are like "${typed}". Which one?`;
      return pick(plain`${message}`, onlineFirst(offered), signal);
    }
  }
}

const onlineFirst = (tenants: readonly TenantEntry[]): readonly TenantEntry[] => [
  ...tenants.filter(({ state }) => state === "online"),
  ...tenants.filter(({ state }) => state !== "online"),
];

function notFound(typed: string, like: readonly string[], inAll: number): DrawbridgeError {
  const more = like.length > LISTED ? ` and ${like.length - LISTED} more` : "";
  const guesses = like.length === 0 ? "" : `Did you mean: ${like.slice(0, LISTED).join(", ")}${more}? `;
  const none = inAll === 0 ? "There is none yet: `drawbridge cloud invite tenant NAME` invites one." : "";
  return new DrawbridgeError("tenant-not-found", `there is no tenant ${typed.slice(0, 64)} that you may reach`, {
    remedy: none || `${guesses}\`drawbridge tenants\` lists those that you may.`,
  });
}
