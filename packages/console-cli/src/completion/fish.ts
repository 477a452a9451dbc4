import type { TreeCommand, ValueKind } from "./command-tree.ts";

/** What fish's `complete` is told of a kind of value. */
function fishValue(value: ValueKind): string {
  switch (value.kind) {
    case "words":
      return `-xa '${value.words.join(" ")}'`;
    case "tenants":
      return `-xa '(drawbridge __complete tenants 2>/dev/null)'`;
    case "targets":
      return `-xa '(drawbridge __complete targets (commandline -opc) 2>/dev/null)'`;
    case "files":
      return `-r -F`;
    case "nothing":
      return `-x`;
  }
}

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** The completion of fish. */
export function fishCompletion(tree: readonly TreeCommand[]): string {
  const paths = tree.filter(({ path }) => path.includes(" ")).map(({ path }) => quoted(path));
  const lines = tree.flatMap(({ path, subcommands, options, argument }) => {
    const here = `complete -c drawbridge -n ${quoted(`__drawbridge_at ${quoted(path)}`)}`;
    const takesArgument = argument.kind !== "nothing" && argument.kind !== "files";
    return [
      ...subcommands.map(({ name, description }) => `${here} -f -a ${name} -d ${quoted(description)}`),
      ...options.map(
        ({ name, description, value }) =>
          `${here} -l ${name.slice(2)}${value === undefined ? "" : ` ${fishValue(value)}`} -d ${quoted(description)}`,
      ),
      ...(takesArgument ? [`${here} -f ${fishValue(argument).replace("-xa", "-a")}`] : []),
    ];
  });
  return `# Completion of drawbridge for fish:
#   drawbridge completion fish > ~/.config/fish/completions/drawbridge.fish
function __drawbridge_at
    set -l at drawbridge
    for word in (commandline -opc)[2..-1]
        contains -- "$at $word" ${paths.join(" ")}; and set at "$at $word"
    end
    test "$at" = $argv[1]
end
complete -c drawbridge -f
${lines.join("\n")}
`;
}
