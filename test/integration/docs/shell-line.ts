/** A simple command of a shell script. */
export interface ShellCommand {
  /** Its line in the script, from 0. */
  readonly line: number;
  readonly words: readonly string[];
  /** What stands behind it as a comment. */
  readonly comment: string;
}

/** A quoted part, an escaped character, a comment, an operator, a redirection's target, white space, or a bare word's part. */
const TOKEN =
  /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\\n|\\([^])|(?<=^|\s)#([^\n]*)|(\n|&&|\|\|?|;|&)|([<>]+ *[^\s|;&]+)|(\s)|([^\s'"\\|;&<>]+)/gy;

/**
 * Takes a script of the documents' kind apart: simple commands, quotes, comments, pipes and lists, lines that go on.
 * Expansions stay as they are.
 *
 * @throws Error at what it does not understand
 */
export function shellCommands(script: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let comment = "";
  let line = 0;
  let begins = 0;
  const endWord = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) commands.push({ line: begins, words, comment: comment.trim() });
    [words, comment] = [[], ""];
  };
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < script.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(script);
    if (match === null) throw new Error(`cannot read this script from here on: ${script.slice(at, at + 60)}`);
    const [all, single, double, escaped, remark, operator, redirection, space, bare] = match;
    const part = single ?? double?.replaceAll(/\\(["\\$`])/g, "$1") ?? escaped ?? bare;
    if (part !== undefined) {
      if (words.length === 0 && word === undefined) begins = line;
      word = (word ?? "") + part;
    } else if (remark !== undefined) comment = remark;
    else if (operator !== undefined) endCommand();
    else if (redirection !== undefined || space !== undefined) endWord();
    line += all.split("\n").length - 1;
  }
  endCommand();
  return commands;
}

/** The arguments that a command gives to `drawbridge`, also through sudo, docker and kubectl; undefined where it is another. */
export function drawbridgeArguments(words: readonly string[]): readonly string[] | undefined {
  const [first = "", ...rest] = words;
  if (/^[A-Z_]+=/.test(first)) return drawbridgeArguments(rest);
  if (first === "sudo") return drawbridgeArguments(rest[0] === "-u" ? rest.slice(2) : rest);
  if (first === "kubectl") return drawbridgeArguments(rest.includes("--") ? rest.slice(rest.indexOf("--") + 1) : []);
  if (first === "docker") return throughDocker(rest);
  return /^(.*\/)?drawbridge$/.test(first) ? rest : undefined;
}

/** `docker compose exec SERVICE drawbridge …`, or `docker compose run --rm SERVICE …`, whose image adds the first word. */
function throughDocker(words: readonly string[]): readonly string[] | undefined {
  const [compose, verb, ...rest] = words;
  if (compose !== "compose") return undefined;
  if (verb === "exec") return drawbridgeArguments(rest.slice(1));
  return verb === "run" && rest[0] === "--rm" && !rest[1]?.startsWith("-") ? rest.slice(2) : undefined;
}
