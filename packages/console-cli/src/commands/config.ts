import { loadNetworkSettings } from "@drawbridge/control/wire";
import { DrawbridgeError, formatProxy, parseProxy } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import {
  checkConsoleValue,
  CONSOLE_KEYS,
  type ConsoleKey,
  isConsoleKey,
  loadConsoleSettings,
  saveConsoleSettings,
} from "../console/console-settings.ts";
import { renderTable } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";

/** Where the settings of the way out are changed. */
const NETWORK_COMMAND = "drawbridge operator network";

const KEYS_HELP = `
Settings:
${Object.entries(CONSOLE_KEYS)
  .map(([key, meaning]) => `  ${key}\n    ${meaning}`)
  .join("\n")}
The way out to the provider (proxy, leg transport) is shown too; change it with:
${NETWORK_COMMAND}`;

/** `drawbridge config`: an operator's own defaults. */
export function configCommand() {
  return commandNamed("config", "show or change your own defaults on this machine")
    .addHelpText("after", KEYS_HELP)
    .action((options) => runCommand(options, show))
    .addCommand(setCommand())
    .addCommand(unsetCommand());
}

function setCommand() {
  return commandNamed("set", "set one of your defaults")
    .argument("<setting>", `one of: ${Object.keys(CONSOLE_KEYS).join(", ")}`)
    .argument("<value>", "its value")
    .action((setting, value, options) =>
      runCommand(options, async (context) => {
        const key = keyOf(setting);
        checkConsoleValue(key, value);
        const path = context.home("operator");
        await saveConsoleSettings(path, { ...(await loadConsoleSettings(path)), [key]: value });
        await show(context);
      }),
    );
}

function unsetCommand() {
  return commandNamed("unset", "forget one of your defaults")
    .argument("<setting>", `one of: ${Object.keys(CONSOLE_KEYS).join(", ")}`)
    .action((setting, options) =>
      runCommand(options, async (context) => {
        const key = keyOf(setting);
        const path = context.home("operator");
        const { [key]: _, ...others } = await loadConsoleSettings(path);
        await saveConsoleSettings(path, others);
        await show(context);
      }),
    );
}

async function show({ output, home }: CommandContext): Promise<void> {
  const path = home("operator");
  const settings = await loadConsoleSettings(path);
  const { proxy, noProxy, legTransport } = await loadNetworkSettings(path);
  // Never with its password.
  const shownProxy = proxy === undefined || proxy === "none" ? proxy : formatProxy(parseProxy(proxy, path));
  const own = Object.fromEntries(Object.keys(CONSOLE_KEYS).map((key) => [key, settings[key as ConsoleKey]]));
  const all: Record<string, string | undefined> = { ...own, proxy: shownProxy, noProxy, legTransport };
  output.record({ event: "config", ...all, home: path });
  const rows = Object.entries(all).map(([key, value]) => ({ key, value: value ?? "(not set)" }));
  const columns = [
    { header: "SETTING", cell: (row: { key: string }) => row.key, whole: true },
    { header: "VALUE", cell: (row: { value: string }) => row.value, whole: true },
  ];
  output.text(renderTable(columns, rows, { width: output.width, colours: output.colours }));
}

function keyOf(text: string): ConsoleKey {
  if (isConsoleKey(text)) return text;
  const isNetwork = ["proxy", "noProxy", "legTransport"].includes(text);
  throw new DrawbridgeError("invalid-argument", `there is no setting ${text.slice(0, 64)} to change here`, {
    remedy: isNetwork ? `Use \`${NETWORK_COMMAND}\`.` : `Choose one of: ${Object.keys(CONSOLE_KEYS).join(", ")}.`,
  });
}
