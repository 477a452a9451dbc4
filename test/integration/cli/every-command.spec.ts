import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { DrawbridgeError, ERROR_CODES } from "@drawbridge/dataplane";
import { expect } from "chai";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { type AnyCommand, allCommands, type NamedCommand, refusalOf } from "../../support/command-tree.ts";
import { shellCommands, drawbridgeArguments } from "../docs/shell-line.ts";
import { SEPARATOR } from "./run-every-command.ts";

const RUNNER = fileURLToPath(new URL("run-every-command.ts", import.meta.url));
const WIDTH = 80;
/** A password that no output may show. */
const SECRET = "hunter2-hunter2";

const commands = allCommands();
const groups = commands.filter(({ command }) => command.commands.length > 0);
const doers = commands.filter(
  ({ words, command }) => !groups.some((group) => group.command === command) || isBoth(words),
);
/** Those that print what is no record of theirs. */
const runnable = doers.filter(({ words }) => words[0] !== "completion");

/** Groups that do something by themselves. */
function isBoth([word, ...more]: readonly string[]): boolean {
  return more.length === 0 && ["sessions", "config", "audit"].includes(word ?? "");
}

const titleOf = (words: readonly string[]): string => ["drawbridge", ...words].join(" ");

/** What stands for an argument. */
const valueOf = ({ argChoices, _name }: { argChoices?: readonly string[]; _name?: string }): string =>
  argChoices?.[0] ?? (_name === "setting" ? "client" : "acme");

const requiredArguments = (command: AnyCommand): string[] =>
  command.registeredArguments.filter(({ required }) => required).map((each) => valueOf(each as object));

const mandatoryOptions = (command: AnyCommand): string[] =>
  command.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long ?? "", "127.0.0.1:1"]);

/** The help as it is shown on a terminal of 80 columns. */
function helpOf(command: AnyCommand): string {
  let help = "";
  command.configureOutput({ writeOut: (part) => void (help += part), getOutHelpWidth: () => WIDTH });
  command.outputHelp();
  return help;
}

/** The command lines that stand in a help: `drawbridge …`, a line each unless a backslash joins them. */
const examplesIn = (help: string): (readonly string[])[] =>
  [...help.matchAll(/^ *(?:Example: )?(drawbridge (?:.*\\\n)*.*)$/gm)]
    .flatMap(([, line = ""]) => shellCommands(line.replace(/ {2,}\(.*\)$/, "")))
    .map(({ words }) => drawbridgeArguments(words) ?? []);

describe("every command", () => {
  for (const { words, command } of commands) {
    it(`${titleOf(words)} has a help of ${WIDTH} columns that tells every option, and an example that works`, async () => {
      const help = helpOf(command);
      const wide = help.split("\n").filter((line) => line.length > WIDTH);
      expect(wide).to.deep.equal([]);
      expect(help).to.contain(`Usage: ${titleOf(words)}`);
      for (const { long, hidden, description } of command.options) {
        expect(description, long).not.to.equal("");
        if (!hidden) expect(help).to.contain(long);
      }
      for (const child of command.commands) expect(help).to.contain(child.name());
      const examples = examplesIn(help);
      for (const example of examples) expect(await refusalOf(example), example.join(" ")).to.equal(undefined);
      const own = examples.filter((example) => words.every((word, index) => example[index] === word));
      if (doers.some((doer) => doer.command === command)) expect(own).not.to.deep.equal([]);
    });
  }

  it("shows its help with code 0, takes the common options, and guesses what a misspelt one was to be", async () => {
    for (const { words, command } of doers) {
      const title = titleOf(words);
      expect(await refusalOf([...words, "--help"]), title).to.have.property("isRight", true);
      for (const { long = "", hidden } of command.options) {
        if (hidden || long.startsWith("--no-")) continue;
        const misspelt = `--${long.slice(2, -1)}${long.endsWith("x") ? "y" : "x"}`;
        for (const others of [mandatoryOptions(command), []]) {
          const refusal = await refusalOf([...words, ...others, misspelt]);
          expect(refusal, `${title} ${misspelt}`).to.be.instanceOf(DrawbridgeError);
          const { code, remedy, message } = refusal as DrawbridgeError;
          expect([code, message], title).to.deep.equal(["invalid-argument", `unknown option '${misspelt}'`]);
          expect(remedy, title)
            .to.match(/^Did you mean .*--.*\?/)
            .and.to.contain(`See \`${title} --help\`.`);
        }
      }
    }
    for (const { words, command } of runnable) {
      const names = command.options.map(({ long }) => long);
      expect(names, titleOf(words)).to.include.members([
        "--home",
        "--json",
        "--verbose",
        "--log-format",
        "--log-level",
      ]);
    }
  });

  it("names the argument that is missing, and refuses one too many", async () => {
    for (const { words, command } of doers) {
      const given = [...words, ...mandatoryOptions(command), ...requiredArguments(command)];
      const needed = command.registeredArguments.filter(({ required }) => required);
      for (const [index, argument] of needed.entries()) {
        const refusal = await refusalOf(given.slice(0, given.length - needed.length + index));
        expect(refusal, titleOf(words)).to.be.instanceOf(DrawbridgeError);
        const says = `missing required argument '${argument.name()}'`;
        expect((refusal as DrawbridgeError).message, titleOf(words)).to.equal(says);
      }
      if (command.registeredArguments.some(({ variadic }) => variadic)) continue;
      const full = [
        ...given,
        ...command.registeredArguments.slice(needed.length).map((each) => valueOf(each as object)),
      ];
      expect(await refusalOf(full), titleOf(words)).to.equal(undefined);
      expect(await refusalOf([...full, "surplus"]), titleOf(words)).to.be.instanceOf(DrawbridgeError);
    }
  });

  describe("where nothing is there yet", () => {
    let folder: TemporaryFolder;

    before(async () => void (folder = await TemporaryFolder.create("every-command")));
    after(() => folder[Symbol.asyncDispose]());

    /** `gateway run` needs nothing and would stay. Services are made in a folder of their own. */
    const tried = runnable.filter(({ words }) => words.join(" ") !== "gateway run");
    const lineOf = ({ words, command }: NamedCommand, run: string): string[] => {
      const options = command.options.map(({ long }) => long);
      const root = options.includes("--root") ? ["--root", folder.file(run)] : [];
      const home = ["--home", folder.file([run, ...words].join("-"))];
      return [...words, ...requiredArguments(command), ...mandatoryOptions(command), ...root, ...home];
    };

    it("says the same for people and for programs, in JSON line by line, and more with --verbose, but no secret", async () => {
      const asked = await runAll(
        tried.flatMap((each) => [
          [...lineOf(each, "json"), "--json", "--log-format", "json"],
          [...lineOf(each, "text"), "--verbose"],
        ]),
      );
      const failures = new Set<string>();
      for (const [index, { words }] of tried.entries()) {
        const [json, verbose] = [asked[2 * index]!, asked[2 * index + 1]!];
        const title = `${titleOf(words)}\n${json.err.join("\n")}\n${verbose.err.join("\n")}`;
        expect(json.exit, title).to.equal(verbose.exit).and.to.be.oneOf([0, 2, 3, 4, 5]);
        const records = [...json.out, ...json.err].map((line) => JSON.parse(line) as Record<string, string>);
        const error = records.find(({ event }) => event === "error");
        expect(error === undefined, title).to.equal(json.exit === 0);
        if (error === undefined) continue;
        failures.add(words.join(" "));
        const { code, message = "", remedy = "" } = error;
        expect(ERROR_CODES, title).to.include(code);
        expect(remedy, title).to.match(/^[A-Z`].*[.?]$/);
        const said = `drawbridge: ${message}. ${remedy}`.replaceAll("/json-", "/text-");
        expect(verbose.err[0], title).to.equal(said);
        expect(verbose.err.slice(1).join("\n"), title)
          .to.contain("DrawbridgeError: ")
          .and.to.match(/^ +at /m);
      }
      // Nearly every command needs a home or somebody to talk to.
      expect(failures.size).to.be.above(25);
      expect(JSON.stringify(asked)).not.to.contain(SECRET);
    });

    interface Ran {
      readonly out: string[];
      readonly err: string[];
      readonly exit: number;
    }

    async function runAll(lines: readonly string[][]): Promise<Ran[]> {
      const env = {
        ...process.env,
        DRAWBRIDGE_PROXY_PASSWORD: SECRET,
        https_proxy: `http://maria:${SECRET}@127.0.0.1:9`,
      };
      const child = spawn(process.execPath, [RUNNER], { env, stdio: ["pipe", "pipe", "pipe"] });
      child.stdin.end(JSON.stringify(lines));
      const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
      const parts = [out, err].map((all) => all.split(`${SEPARATOR}\n`).slice(0, -1));
      expect(
        parts.map(({ length }) => length),
        err,
      ).to.deep.equal([lines.length, lines.length]);
      return lines.map((_line, index) => {
        const outLines = parts[0]![index]!.trimEnd().split("\n");
        const errLines = parts[1]![index]!.split("\n").filter((line) => line !== "");
        return { out: outLines.slice(0, -1), err: errLines, exit: Number(outLines.at(-1)) };
      });
    }
  });
});
