import type { TreeCommand, ValueKind } from "./command-tree.ts";

/** Zsh code that proposes the words of a kind of value. */
function zshWords(value: ValueKind): string {
  switch (value.kind) {
    case "words":
      return `compadd -- ${value.words.join(" ")}`;
    case "tenants":
      return `compadd -- \${(f)"$(drawbridge __complete tenants 2>/dev/null)"}`;
    case "targets":
      return `compadd -- \${(f)"$(drawbridge __complete targets "\${words[@]}" 2>/dev/null)"}`;
    case "files":
      return `_files`;
    case "nothing":
      return `:`;
  }
}

/** Within single quotes; a colon would end the name. */
const described = (name: string, description: string): string =>
  `'${name}:${description.replaceAll("'", "’").replaceAll(":", " ")}'`;

/** The completion of zsh. */
export function zshCompletion(tree: readonly TreeCommand[]): string {
  const paths = tree.filter(({ path }) => path.includes(" ")).map(({ path }) => `'${path}'`);
  const values = tree.flatMap(({ path, options }) =>
    options.flatMap(({ name, value }) =>
      value === undefined ? [] : [`    '${path} ${name}') ${zshWords(value)}; return ;;`],
    ),
  );
  const commands = tree.map(({ path, subcommands, options, argument }) => {
    const optionList = options.map(({ name, description }) => described(name, description)).join(" ");
    const names = subcommands.map(({ name, description }) => described(name, description)).join(" ");
    const rest = names === "" ? zshWords(argument) : `proposed=(${names}); _describe command proposed`;
    return `    '${path}')
      if [[ $words[CURRENT] == -* ]]; then proposed=(${optionList}); _describe option proposed
      else ${rest}; fi ;;`;
  });
  return `#compdef drawbridge
# Completion of drawbridge for zsh. Put it into a folder of your fpath as _drawbridge, or source it after compinit.
_drawbridge() {
  local at=drawbridge i
  local -a proposed
  for ((i = 2; i < CURRENT; i++)); do
    [[ $words[i] == -- ]] && { _normal -p drawbridge; return }
    case "$at $words[i]" in
      (${paths.join("|")}) at="$at $words[i]" ;;
    esac
  done
  case "$at $words[CURRENT-1]" in
${values.map((line) => line.replace("    '", "    ('")).join("\n")}
  esac
  case "$at" in
${commands.map((text) => text.replace("    '", "    ('")).join("\n")}
  esac
}
if [[ \${funcstack[1]} == _drawbridge ]]; then _drawbridge "$@"; else compdef _drawbridge drawbridge; fi
`;
}
