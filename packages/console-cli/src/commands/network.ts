import { formatProxy } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import { keepNetworkChoice } from "../keep-network-choice.ts";
import {
  legTransportOption,
  networkChoice,
  noProxyOption,
  proxyOption,
  proxyPasswordOption,
} from "../network-options.ts";
import type { OpenedReach } from "../open-reach.ts";
import { openReach } from "../open-reach.ts";
import { plain } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge tenant network` and `drawbridge operator network`. */
export function networkCommand(role: "tenant" | "operator") {
  return commandNamed("network", "show or change how this machine gets out to the provider: proxy, leg transport")
    .addOption(proxyOption())
    .addOption(noProxyOption())
    .addOption(proxyPasswordOption())
    .addOption(legTransportOption())
    .addHelpText(
      "after",
      "\n--proxy environment forgets the home's proxy. A running `tenant run` takes\nchanges at its next start.",
    )
    .action((options) =>
      runCommand(options, async (context) => {
        await keepNetworkChoice(context, role, networkChoice(options));
        show(context, await openReach(context, role));
      }),
    );
}

function show({ output }: CommandContext, { reach, settings, proxy, source }: OpenedReach): void {
  const name = proxy === undefined ? "none" : formatProxy(proxy);
  const user = proxy?.credentials?.user;
  const whose = source === undefined ? "" : ` (from ${source})`;
  const by = user === undefined ? "" : ` as ${user}`;
  const { legTransport } = reach;
  output.result(
    { event: "network", proxy: name, user, source, noProxy: settings.noProxy, legTransport },
    plain`Proxy: ${name}${by}${whose}. Legs: ${legTransport}.`,
  );
}
