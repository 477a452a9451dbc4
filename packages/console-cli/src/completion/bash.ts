import type { TreeCommand, ValueKind } from "./command-tree.ts";

/** The words of a kind of value, as bash code that prints them. Empty: nothing is proposed. */
function bashWords(value: ValueKind): string {
  switch (value.kind) {
    case "words":
      return `words='${value.words.join(" ")}'`;
    case "tenants":
      return `words=$(drawbridge __complete tenants 2>/dev/null)`;
    case "targets":
      return `words=$(drawbridge __complete targets "\${COMP_WORDS[@]}" 2>/dev/null)`;
    case "files":
      return `files=1`;
    case "nothing":
      return `words=''`;
  }
}

/** The completion of bash 4 and later. */
export function bashCompletion(tree: readonly TreeCommand[]): string {
  const paths = tree.filter(({ path }) => path.includes(" ")).map(({ path }) => `'${path}'`);
  const values = tree.flatMap(({ path, options }) =>
    options.flatMap(({ name, value }) =>
      value === undefined ? [] : [`    '${path} ${name}') ${bashWords(value)}; taken=1 ;;`],
    ),
  );
  const commands = tree.map(({ path, subcommands, options, argument }) => {
    const names = subcommands.map(({ name }) => name).join(" ");
    const given = names === "" ? bashWords(argument) : `words='${names}'`;
    return `    '${path}') options='${options.map(({ name }) => name).join(" ")}'; [[ $cur == -* ]] || { ${given}; } ;;`;
  });
  return `# Completion of drawbridge for bash. Put it into a file that bash reads, for example:
#   drawbridge completion bash > ~/.local/share/bash-completion/completions/drawbridge
_drawbridge() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local at=drawbridge words='' options='' files='' taken='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == -- ]] && return
    case "$at \${COMP_WORDS[i]}" in
      ${paths.join("|")}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at $prev" in
${values.join("\n")}
  esac
  [[ -n $taken ]] || case "$at" in
${commands.join("\n")}
  esac
  if [[ -n $files ]]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  elif [[ -z $taken && $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -F _drawbridge drawbridge
`;
}
