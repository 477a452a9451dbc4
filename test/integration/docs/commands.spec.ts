import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { createProgram } from "../../../packages/console-cli/src/program.ts";
import { type AnyCommand, refusalOf } from "../../support/command-tree.ts";
import { blocks, documents, ROOT, withoutBlocks } from "./documents.ts";
import type { Document } from "./documents.ts";
import { drawbridgeArguments, shellCommands } from "./shell-line.ts";

/** Gives a command line to the real command tree, and says what is wrong with it. */
async function complaint(words: readonly string[]): Promise<string | undefined> {
  const refusal = await refusalOf(words);
  return refusal === undefined || words.includes("--help") ? undefined : (refusal as Error).message;
}

/** What is wrong with a mention in running text, where arguments may be left out: a command or option that is not there. */
function slip(mention: string): string | undefined {
  let command: AnyCommand = createProgram();
  for (const word of mention.split(/\s+/).slice(1)) {
    if (word === "--" || /^[A-Z…]/.test(word)) return undefined;
    const option = /^--[\w-]+/.exec(word)?.[0];
    const next = command.commands.find((child) => child.name() === word);
    if (option !== undefined) {
      if (option === "--help" || command.options.some(({ long }) => long === option)) continue;
      if (!(command.parent === null && option === "--version")) return `${command.name()} has no ${option}`;
    } else if (next !== undefined) command = next;
    else if (command.registeredArguments.length === 0 && command.commands.length > 0)
      return `${command.name()} has no ${word}`;
  }
  return undefined;
}

/** `a b|c d` for `a b d` and `a c d`. */
function alternatives(mention: string): string[] {
  return mention
    .split(/\s+/)
    .reduce<string[]>(
      (lines, word) => lines.flatMap((line) => word.split("|").map((one) => `${line} ${one}`.trim())),
      [""],
    );
}

describe("commands in the documents", () => {
  let all: Document[];

  before(async () => void (all = await documents()));

  it("are command lines that drawbridge takes", async () => {
    const wrong: string[] = [];
    let checked = 0;
    for (const { path, text } of all) {
      for (const block of blocks(text, "sh")) {
        for (const { line, words } of shellCommands(block.text)) {
          const given = drawbridgeArguments(words);
          if (given === undefined) continue;
          checked++;
          const why = await complaint(given);
          if (why !== undefined) wrong.push(`${path}:${block.line + line}: drawbridge ${given.join(" ")}: ${why}`);
        }
      }
    }
    expect(wrong).to.deep.equal([]);
    expect(checked).to.be.above(45);
  });

  it("are, in running text, commands and options that exist", () => {
    const wrong: string[] = [];
    let checked = 0;
    for (const { path, text } of all) {
      for (const [, code = ""] of withoutBlocks(text).matchAll(/`([^`]+)`/g)) {
        const mention = code.replaceAll(/\s+/g, " ");
        if (!mention.startsWith("drawbridge ")) continue;
        checked++;
        for (const one of alternatives(mention)) {
          const why = slip(one);
          if (why !== undefined) wrong.push(`${path}: \`${mention}\`: ${why}`);
        }
      }
    }
    expect(wrong).to.deep.equal([]);
    expect(checked).to.be.above(30);
  });

  it("run scripts that are there", () => {
    const { scripts } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")) as { scripts: object };
    const npm: string[] = [];
    const files: { document: string; file: string }[] = [];
    for (const { path, text } of all) {
      const mentions = [...withoutBlocks(text).matchAll(/`((?:npm|node|python3|bash) [^`]+)`/g)].map(
        ([, code]) => code,
      );
      const script = [...blocks(text, "sh").map((block) => block.text), ...mentions].join("\n");
      for (const { words } of shellCommands(script)) {
        const [program = "", first = "", second = ""] = words;
        if (program === "npm" && (first === "start" || first === "test")) npm.push(first);
        if (program === "npm" && first === "run") npm.push(second);
        const isScript = ["node", "python3", "bash"].includes(program) && /^[\w.][\w./-]*$/.test(first);
        if (isScript) files.push({ document: path, file: first });
      }
    }
    const isThere = (document: string, file: string): boolean =>
      [".", dirname(document)].some((folder) => existsSync(join(ROOT.pathname, folder, file)));
    expect(npm.filter((name) => !(name in scripts))).to.deep.equal([]);
    expect(files.filter(({ document, file }) => !isThere(document, file))).to.deep.equal([]);
    expect([npm.length > 10, files.length > 3]).to.deep.equal([true, true]);
  });

  for (const [what, line, reason] of [
    ["a command that is not there", "drawbridge tenant enrol CODE", /unknown command/],
    ["an option that is not there", "drawbridge connect acme --clients none", /unknown option/],
    ["a missing argument", "drawbridge cloud invite tenant", /missing required argument/],
    ["a value that an option does not take", "drawbridge cloud run --drain soon", /soon/],
    ["a mistake behind sudo", "sudo -u drawbridge-tenant drawbridge tenant aprove ID", /unknown command/],
  ] as const) {
    it(`are wrong where there is ${what}`, async () => {
      const [command] = shellCommands(line);
      expect(await complaint(drawbridgeArguments(command!.words)!)).to.match(reason);
    });
  }

  it("are read as a shell reads them", () => {
    const script = `A=1 drawbridge connect acme --client 'my client {address}' \\\n  --reason "it's \\"late\\"" | tee log > out # stays\n`;
    const [first, second] = shellCommands(script);
    expect(drawbridgeArguments(first!.words)).to.deep.equal([
      "connect",
      "acme",
      "--client",
      "my client {address}",
      "--reason",
      'it\'s "late"',
    ]);
    expect(second).to.deep.include({ words: ["tee", "log"], comment: "stays", line: 1 });
  });
});
