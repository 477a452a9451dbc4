import { glob, readFile } from "node:fs/promises";
import { posix } from "node:path";
import { expect } from "chai";
import { documents, ROOT, withoutBlocks } from "./documents.ts";
import type { Document } from "./documents.ts";

/** Where files of ours are, and nothing that is installed, built or kept. */
const PLACES = ["*", ".*", ".ci/*", "{packages,gen,proto,scripts,test,docs,deploy,examples}/**/*"];
/** Where the names of files that a running Drawbridge makes stand. */
const SOURCES = ["packages/*/src/**/*.ts", "scripts/**/*.{ts,mjs}"];
const FILE = /^[\w@.*-]+(\/[\w@.*{}-]+)*\/?$/;
const ENDING = /\.(ts|mjs|cjs|js|json|md|ya?ml|proto|py|pem|db|tgz|plist|png)$/;
const TOP = /^(packages|gen|proto|scripts|test|docs|deploy|examples|build)\//;

/** Every file and folder, as seen from the repository's folder. */
async function allPaths(): Promise<string[]> {
  const paths: string[] = [];
  const exclude = (path: string): boolean => path.includes("node_modules") || path.includes("__pycache__");
  for await (const path of glob(PLACES, { cwd: ROOT.pathname, exclude })) paths.push(path);
  return paths;
}

/** Names in code spans that are meant as files or folders. */
function namedFiles(text: string): string[] {
  return [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)]
    .map(([, name = ""]) => name)
    .filter((name) => FILE.test(name) && (ENDING.test(name) || TOP.test(name) || name.endsWith("/")));
}

/** The targets of a document's links into the project, and their anchors. */
function links(text: string): { path: string; anchor: string }[] {
  return [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => ({ path: target.split("#")[0] ?? "", anchor: target.split("#")[1] ?? "" }));
}

/** A heading's anchor, as the usual hosts make it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const anchors = (text: string): string[] =>
  [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));

describe("names in the documents", () => {
  let all: Document[];
  let paths: string[];
  let sources: string;

  before(async () => {
    [all, paths] = await Promise.all([documents(), allPaths()]);
    const files: string[] = [];
    for await (const file of glob(SOURCES, { cwd: ROOT.pathname })) files.push(file);
    sources = (await Promise.all(files.map((file) => readFile(new URL(file, ROOT), "utf8")))).join("\n");
  });

  /** A file of ours, a folder of ours by the end of its path (`cloud/services`), or a file that the program makes. */
  function exists(name: string): boolean {
    const wanted = name.replace(/\/$/, "");
    const sure = TOP.test(name);
    const isThere = paths.some((path) => {
      const short = path.replace("/src/", "/");
      return path === wanted || (!sure && (path.endsWith(`/${wanted}`) || short.endsWith(`/${wanted}`)));
    });
    const isMade = !name.includes("/") && (sources.includes(`"${name}"`) || sources.includes(`/${name}`));
    return isThere || isMade || wanted.startsWith("build/");
  }

  it("of files are those of files that are there", () => {
    const named = all.flatMap(({ path, text }) => namedFiles(text).map((name) => ({ path, name })));
    const missing = named.filter(({ name }) => !name.includes("*") && !exists(name));
    expect(missing.map(({ path, name }) => `${path}: ${name}`)).to.deep.equal([]);
    expect(named.length).to.be.above(60);
  });

  it("are found out where no such file is", () => {
    expect(["cloud/rights.ts", "fast-flow.ts", "cloud/services", "proto/drawbridge/v1"].filter(exists)).to.have.length(
      4,
    );
    expect(["cloud/wrongs.ts", "slow-flow.ts", "packages/dataplane/front-door.ts", "test/none/"].filter(exists)).to.eql(
      [],
    );
  });

  it("in links are those of files and headings that are there", async () => {
    const missing: string[] = [];
    for (const { path, text } of all) {
      for (const { path: target, anchor } of links(text)) {
        const file = target === "" ? path : posix.join(posix.dirname(path), target);
        const there = paths.includes(file);
        const heading = there && anchor !== "" ? anchors(await readFile(new URL(file, ROOT), "utf8")) : [anchor];
        if (!there || !heading.includes(anchor)) missing.push(`${path}: ${target}${anchor && `#${anchor}`}`);
      }
    }
    expect(missing).to.deep.equal([]);
  });
});
