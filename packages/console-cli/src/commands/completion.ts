import { Argument, Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { bashCompletion } from "../completion/bash.ts";
import { commandTree } from "../completion/command-tree.ts";
import { fishCompletion } from "../completion/fish.ts";
import { powershellCompletion } from "../completion/powershell.ts";
import { zshCompletion } from "../completion/zsh.ts";

const SHELLS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
  powershell: powershellCompletion,
} as const;

const NAMES = ["bash", "zsh", "fish", "powershell"] as const;

const HELP = `
Where it goes:
  drawbridge completion bash \\
    > ~/.local/share/bash-completion/completions/drawbridge
  drawbridge completion zsh > "\${fpath[1]}/_drawbridge"
  drawbridge completion fish > ~/.config/fish/completions/drawbridge.fish
  drawbridge completion powershell >> $PROFILE
Make it again after an update. Tenants' names come from the provider, and are
kept in your home for the next time.`;

/** `drawbridge completion`: a script that completes commands, options and tenants' names in a shell. */
export function completionCommand(program: () => CommandUnknownOpts) {
  return new Command("completion")
    .description("print a script that completes commands, options and tenants' names in your shell")
    .addArgument(new Argument("<shell>", "your shell").choices(NAMES))
    .addHelpText("after", HELP)
    .action((shell) => {
      process.stdout.write(SHELLS[shell](commandTree(program())));
    });
}
