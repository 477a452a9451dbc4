import { createProgram } from "../../packages/console-cli/src/program.ts";

/** Any command of the tree. */
export type AnyCommand = ReturnType<typeof createProgram>["commands"][number];

/** A command with the words that call it, without `drawbridge`. */
export interface NamedCommand {
  readonly words: readonly string[];
  readonly command: AnyCommand;
}

/** Every command of a new tree, the root and the groups too. */
export function allCommands(
  command: AnyCommand = createProgram(),
  words: readonly string[] = [],
): readonly NamedCommand[] {
  return [{ words, command }, ...command.commands.flatMap((child) => allCommands(child, [...words, child.name()]))];
}

/** Thrown in place of the command's action, when everything about a command line is right. */
class Understood extends Error {}

/** What the real command tree throws for a command line; undefined where it takes it. Nothing is done. */
export async function refusalOf(words: readonly string[]): Promise<unknown> {
  const program = createProgram();
  program.hook("preAction", () => {
    throw new Understood();
  });
  try {
    await program.parseAsync([...words], { from: "user" });
    return new Error("it does nothing");
  } catch (error) {
    return error instanceof Understood ? undefined : error;
  }
}
