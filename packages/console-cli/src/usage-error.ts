import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { DrawbridgeError } from "@drawbridge/dataplane";

/** What commander throws for a command line that asked for help or the version, and so is right. */
const ANSWERED = new Set(["commander.helpDisplayed", "commander.version"]);

/** Thrown where everything was said already: the help or the version was asked for, or shown because nothing was. */
export class AlreadyAnswered extends Error {
  /** Whether the command line was right. */
  readonly isRight: boolean;

  constructor(isRight: boolean) {
    super();
    this.isRight = isRight;
  }
}

/**
 * Throws what commander found wrong with a command line as an error of ours, `invalid-argument`.
 *
 * @throws AlreadyAnswered where the help or the version was shown
 */
export function throwUsageError(command: CommandUnknownOpts, error: { code: string; message: string }): never {
  if (ANSWERED.has(error.code)) throw new AlreadyAnswered(true);
  if (error.code === "commander.help") throw new AlreadyAnswered(false);
  if (error.code === "commander.missingMandatoryOptionValue") refuseUnknownOption(command);
  const [, message = "", guess = ""] = /^(?:error: )?(.*?)(?:\n\((Did you mean .*\?)\))?$/s.exec(error.message) ?? [];
  const remedy = `${guess || inGroups(command, error)} See \`${commandLine(command)} --help\`.`.trim();
  throw new DrawbridgeError("invalid-argument", message, { remedy, cause: error });
}

/** commander looks for what is missing first, and would say of `--lisen :443` that there is no `--listen`. */
function refuseUnknownOption(command: CommandUnknownOpts): void {
  // What is left here of the command line are arguments and options that the command does not have.
  const [unknown] = command.args.filter((word) => word.startsWith("-") && word.length > 1);
  // Not in its types: what it calls itself for an unknown option, to throw its error with its guess.
  if (unknown !== undefined) (command as unknown as { unknownOption(flag: string): void }).unknownOption(unknown);
}

/** `drawbridge enroll` is a command of two groups, and of neither by itself. */
function inGroups(command: CommandUnknownOpts, { code, message }: { code: string; message: string }): string {
  if (code !== "commander.unknownCommand") return "";
  const [, name] = /unknown command '(.*?)'/s.exec(message) ?? [];
  const groups = command.commands.filter((group) => group.commands.some((each) => each.name() === name));
  const meant = groups.map((group) => `\`${commandLine(group)} ${name ?? ""}\``);
  return meant.length === 0 ? "" : `Did you mean ${meant.join(" or ")}?`;
}

/** The command as it is typed: `drawbridge cloud invite`. */
function commandLine(command: CommandUnknownOpts): string {
  return command.parent === null ? command.name() : `${commandLine(command.parent)} ${command.name()}`;
}
