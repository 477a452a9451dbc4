import { glob, readFile } from "node:fs/promises";
import { ERROR_CODES } from "@drawbridge/dataplane";
import { expect } from "chai";
import { EXIT_CODES } from "../../../packages/console-cli/src/exit-codes.ts";
import { readDocument, ROOT, section } from "./documents.ts";

/** The cells of all tables' rows, without their heads. */
function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line, index, lines) => /^\|(?! -)/.test(line) && !lines[index + 1]?.startsWith("| -"))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .map((cells) => cells.slice(1, -1));
}

/** The sources' text as one line, with what is filled in and how strings are joined taken out. */
async function messageText(): Promise<string> {
  const texts: string[] = [];
  for await (const file of glob("packages/*/src/**/*.ts", { cwd: ROOT.pathname }))
    texts.push(await readFile(new URL(file, ROOT), "utf8"));
  return texts
    .join("\n")
    .replaceAll(/["`] \+\s*["`]/g, "")
    .replaceAll("\\`", "`");
}

describe("docs/TROUBLESHOOTING.md", () => {
  let text: string;

  before(async () => void ({ text } = await readDocument("docs/TROUBLESHOOTING.md")));

  it("has a row for every error code, and for no other", () => {
    const named = rows(section(text, "By code")).map(([code = ""]) => code.replaceAll("`", ""));
    expect(named.toSorted()).to.deep.equal([...ERROR_CODES].toSorted());
  });

  it("gives each code its exit code", () => {
    const wrong = rows(section(text, "By code")).filter(
      ([code = "", exit]) => String(EXIT_CODES[code.replaceAll("`", "") as keyof typeof EXIT_CODES]) !== exit,
    );
    expect(wrong).to.deep.equal([]);
  });

  it("quotes only messages that the program has", async () => {
    const said = await messageText();
    const quoted = rows(section(text, "By message")).map(([message = ""]) => message);
    const parts = quoted.flatMap((message) => message.split("…")).map((part) => part.trim());
    const missing = parts.filter((part) => part.length > 3 && !said.includes(part));
    expect(missing).to.deep.equal([]);
    expect(quoted.length).to.be.above(25);
  });
});
