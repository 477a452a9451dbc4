import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { LOG_LEVELS, type LogOptions } from "./log.ts";

/** How {@link commandNamed} differs for some commands. */
export interface CommandTraits {
  /** Whether the command has files on this machine. Default true; else it takes `--home`, as all do, without effect. */
  readonly hasHome?: boolean;
  /** How much is logged unless told. Default `info`; less where standard error is a person's screen. */
  readonly logLevel?: LogOptions["level"];
}

/** A command with the options that every command takes. */
export function commandNamed(
  name: string,
  description: string,
  { hasHome = true, logLevel = "info" }: CommandTraits = {},
) {
  return new Command(name)
    .description(description)
    .addOption(
      new Option(
        "--home <dir>",
        "where this machine's Drawbridge files are (default: $DRAWBRIDGE_HOME, then the usual place)",
      )
        .argParser(parseHome)
        .hideHelp(!hasHome),
    )
    .option("--json", "print one JSON object a line")
    .option("--verbose", "show where an error came from")
    .addOption(
      new Option("--log-format <format>", "how the log on standard error is written")
        .choices(["text", "json"] as const)
        .default("text" as const),
    )
    .addOption(new Option("--log-level <level>", "how much is logged").choices(LOG_LEVELS).default(logLevel));
}

/** `--home "$NOT_SET"` must not act on the usual home. */
function parseHome(text: string): string {
  if (text === "") throw new InvalidArgumentError("Name a folder, or leave --home out.");
  return text;
}

/** Collects an option that may be given several times. */
export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
