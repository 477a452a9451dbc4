import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { CLIENT_NAMES } from "../clients/index.ts";

/** What completes a value: fixed words, names that the provider knows, files, or nothing. */
export type ValueKind =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "tenants" | "targets" | "files" | "nothing" };

/** An option, by its long name. */
export interface TreeOption {
  /** With its dashes. */
  readonly name: string;
  readonly description: string;
  /** Undefined: it takes no value. */
  readonly value: ValueKind | undefined;
}

/** A command with what may follow it. */
export interface TreeCommand {
  /** Its words, `drawbridge` first, with a space between. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly TreeOption[];
  /** What completes its first argument. */
  readonly argument: ValueKind;
}

const NOTHING: ValueKind = { kind: "nothing" };
/** What goes into a script unquoted. */
const SAFE_WORD = /^[A-Za-z0-9._-]+$/;

/** Every command of a program, flat, those that are hidden left out. */
export function commandTree(command: CommandUnknownOpts, path = command.name()): TreeCommand[] {
  const children = command.commands.filter((child) => !isHidden(child));
  const options = command.options.filter(({ hidden, long }) => !hidden && long);
  const here: TreeCommand = {
    path,
    subcommands: children.map((child) => ({ name: child.name(), description: child.description() })),
    options: [
      ...options.map((option) => ({
        name: option.long ?? "",
        description: firstClause(option.description),
        value: option.required || option.optional ? valueOf(option.long ?? "", option.argChoices) : undefined,
      })),
      { name: "--help", description: "show the help", value: undefined },
    ],
    argument: argumentOf(command),
  };
  return [here, ...children.flatMap((child) => commandTree(child, `${path} ${child.name()}`))];
}

function argumentOf(command: CommandUnknownOpts): ValueKind {
  const [first] = command.registeredArguments;
  if (first === undefined) return NOTHING;
  if (first.argChoices !== undefined) return { kind: "words", words: first.argChoices.filter(isSafe) };
  return { kind: first.name() === "tenant" ? "tenants" : first.name() === "file" ? "files" : "nothing" };
}

function valueOf(long: string, choices: readonly string[] | undefined): ValueKind {
  if (choices !== undefined) return { kind: "words", words: choices.filter(isSafe) };
  if (long === "--client") return { kind: "words", words: ["auto", "none", ...CLIENT_NAMES] };
  if (long === "--tenant") return { kind: "tenants" };
  if (long === "--target") return { kind: "targets" };
  return { kind: /^--(home|drive|.*-file)$/.test(long) ? "files" : "nothing" };
}

const isSafe = (word: string): boolean => SAFE_WORD.test(word);

/** commander keeps `hideHelp` and `hidden` of commands to itself. */
const isHidden = (command: CommandUnknownOpts): boolean => command.name().startsWith("_");

const firstClause = (text: string): string => text.split(/[;(:]/, 1)[0]?.trim() ?? "";
