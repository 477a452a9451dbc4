import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { throwUsageError } from "./usage-error.ts";

/**
 * Lets options before a subcommand's name count for the subcommand, so that `audit --home DIR verify` and
 * `audit verify --home DIR` mean the same. One that the subcommand does not have is wrong use.
 */
export function inheritOptions(command: CommandUnknownOpts): void {
  const own = new Set(command.options.map((option) => option.attributeName()));
  for (let parent = command.parent; parent !== null; parent = parent.parent) {
    for (const option of parent.options) {
      const key = option.attributeName();
      if (parent.getOptionValueSource(key) !== "cli") continue;
      if (!own.has(key)) throwUsageError(command, { code: "", message: `${option.long ?? key} does not belong here` });
      if (command.getOptionValueSource(key) === "cli") continue;
      command.setOptionValueWithSource(key, parent.getOptionValue(key), "cli");
    }
  }
}
