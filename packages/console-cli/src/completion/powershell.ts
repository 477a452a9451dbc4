import type { TreeCommand, ValueKind } from "./command-tree.ts";

const list = (words: readonly string[]): string => `@(${words.map((word) => `'${word}'`).join(", ")})`;

/** PowerShell code that gives the words of a kind of value. */
function powershellWords(value: ValueKind): string {
  switch (value.kind) {
    case "words":
      return list(value.words);
    case "tenants":
      return `@(drawbridge __complete tenants 2>$null)`;
    case "targets":
      return `@(drawbridge __complete targets @typed 2>$null)`;
    case "files":
    case "nothing":
      return `@()`;
  }
}

/** The completion of PowerShell 5.1 and later. */
export function powershellCompletion(tree: readonly TreeCommand[]): string {
  const values = tree.flatMap(({ path, options }) =>
    options.flatMap(({ name, value }) =>
      value === undefined ? [] : [`    '${path} ${name}' { ${powershellWords(value)}; return }`],
    ),
  );
  const options = tree.map((command) => `    '${command.path}' { ${list(command.options.map(({ name }) => name))} }`);
  const commands = tree.map(({ path, subcommands, argument }) =>
    subcommands.length > 0
      ? `    '${path}' { ${list(subcommands.map(({ name }) => name))} }`
      : `    '${path}' { ${powershellWords(argument)} }`,
  );
  return `# Completion of drawbridge for PowerShell. Add it to the file that $PROFILE names:
#   drawbridge completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName drawbridge -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $paths = ${list(tree.map(({ path }) => path))}
  $typed = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
  if ($wordToComplete -ne '') { $typed = @($typed | Select-Object -SkipLast 1) }
  $at = 'drawbridge'
  foreach ($word in @($typed | Select-Object -Skip 1)) {
    if ($word -eq '--') { return }
    if ($paths -ccontains "$at $word") { $at = "$at $word" }
  }
  $previous = $typed[-1]
  $words = & {
    switch -CaseSensitive ("$at $previous") {
${values.join("\n")}
    }
    if ($wordToComplete -like '-*') { switch ($at) {
${options.join("\n")}
    } } else { switch ($at) {
${commands.join("\n")}
    } }
  }
  $words | Where-Object { $_ -like "$wordToComplete*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`;
}
