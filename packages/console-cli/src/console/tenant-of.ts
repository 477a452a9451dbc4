import { validatePrincipalName } from "@drawbridge/control/identity";
import { AdminClient } from "@drawbridge/control/remote";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { rememberTenants } from "../completion/tenant-cache.ts";
import type { CommandContext } from "../run-command.ts";
import { canAsk } from "./can-ask.ts";
import { resolveTenant } from "./resolve-tenant.ts";

/**
 * Does something with the tenant that the operator typed. An exact name costs nothing; only where the provider knows no
 * such tenant are all of them asked for, and the one that is meant is found or picked.
 *
 * Errors: those of `use`; `tenant-not-found`; `invalid-argument` for what can be no name; `cancelled`.
 *
 * @param typed undefined: nothing was typed
 * @param use fails with `tenant-not-found` before it does anything where there is no such tenant
 */
export async function withTenant<Result>(
  context: CommandContext,
  channel: RpcChannel,
  typed: string | undefined,
  use: (tenant: string) => Promise<Result>,
): Promise<Result> {
  const { output, signal, home } = context;
  const mayAsk = canAsk(output);
  let refusal: unknown;
  if (typed !== undefined && (isName(typed) || !mayAsk)) {
    validatePrincipalName(typed);
    try {
      return await use(typed);
    } catch (error) {
      if (!(error instanceof DrawbridgeError) || error.code !== "tenant-not-found") throw error;
      refusal = error;
    }
  }
  output.status.update("looking for the tenant …");
  const tenants = await new AdminClient(channel).listTenants(signal).catch((error: unknown) => {
    throw refusal ?? error;
  });
  output.status.clear();
  rememberTenants(home("operator"), tenants);
  return use(await resolveTenant({ typed: typed ?? "", tenants, output, canAsk: mayAsk, signal }));
}

function isName(text: string): boolean {
  try {
    validatePrincipalName(text);
    return true;
  } catch {
    return false;
  }
}
