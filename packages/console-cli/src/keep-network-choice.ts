import { loadNetworkSettings, saveNetworkSettings, THE_HOME } from "@drawbridge/control/wire";
import { formatProxyWithCredentials } from "@drawbridge/dataplane";
import type { NetworkChoice } from "./network-options.ts";
import type { OpenedReach } from "./open-reach.ts";
import { openReach } from "./open-reach.ts";
import type { CommandContext } from "./run-command.ts";

/**
 * Writes into the home what the command line said about the way out, for all commands to come. Nothing said: nothing
 * changes.
 *
 * Errors: as {@link openReach}.
 */
export async function keepNetworkChoice(
  context: CommandContext,
  role: "tenant" | "operator",
  choice: NetworkChoice,
  opened?: OpenedReach,
): Promise<void> {
  const { proxy, legTransport } = choice;
  if (proxy === undefined && choice.proxyPasswordFile === undefined && legTransport === undefined) return;
  const path = context.home(role);
  const { proxy: _, ...others } = await loadNetworkSettings(path);
  const kept = await keptProxy(context, role, choice, opened);
  await saveNetworkSettings(path, {
    ...others,
    ...(kept !== undefined && { proxy: kept }),
    ...(legTransport !== undefined && { legTransport }),
  });
}

async function keptProxy(
  context: CommandContext,
  role: "tenant" | "operator",
  choice: NetworkChoice,
  opened: OpenedReach | undefined,
): Promise<string | undefined> {
  if (choice.proxy === "environment") return undefined;
  const { proxy, source, settings } = opened ?? (await openReach(context, role, choice));
  const isNew = source === "--proxy" || source === "--no-proxy";
  // A new password for the proxy that the home names already.
  const isChanged = source === THE_HOME && choice.proxyPasswordFile !== undefined;
  if (!isNew && !isChanged) return settings.proxy;
  return proxy === undefined ? "none" : formatProxyWithCredentials(proxy);
}
