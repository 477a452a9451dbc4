import { execFile } from "node:child_process";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { TemporaryFolder } from "../../scripts/demo/temporary-folder.ts";
import { builtPackages, documentLinks, installOrSkip } from "./packages.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TSC = join(ROOT, "node_modules/@typescript/native/bin/tsc");
/** Downloading and unpacking other people's packages takes a while. */
const INSTALL_MS = 240_000;
const CHECK_MS = 60_000;

/** What a consumer writes who is as strict as can be: the declarations of packages are checked too. */
const COMPILER = [
  "--strict",
  "--module",
  "nodenext",
  "--target",
  "es2022",
  "--types",
  "node",
  "--skipLibCheck",
  "false",
];

/** Stands outside of the repository, so that nothing but the packages is found. */
const PROGRAM = `
import type { Duplex } from "node:stream";
import { connectTenant, openSession, type SessionOptions } from "@drawbridge/control/remote";
import { startTenant, type SessionDecision } from "@drawbridge/control/tenant";
import { DrawbridgeError, type ErrorCode, parseAddress } from "@drawbridge/dataplane";

const options: SessionOptions = { home: "nowhere", tenant: "acme", target: "rdp" };
// @ts-expect-error a tenant has to be named
export const unnamed: SessionOptions = { home: "nowhere" };
// @ts-expect-error there is no such decision
export const undecided: SessionDecision = { decision: "maybe" };
// @ts-expect-error a connection is a stream, and no text
export const text = async (): Promise<string> => connectTenant(options);

async function codeOf(work: () => Promise<unknown>): Promise<ErrorCode> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DrawbridgeError) return error.code;
    throw error;
  }
  throw new Error("it did not fail");
}

const stream = async (): Promise<Duplex> => connectTenant(options);
const tenant = () =>
  startTenant({
    home: "nowhere",
    targets: { echo: (duplex, { operator }) => void duplex.write(operator) },
    decide: ({ ticket }) => (ticket === "" ? { decision: "ask" } : { decision: "allow" }),
  });
const codes: ErrorCode[] = [await codeOf(stream), await codeOf(() => openSession(options)), await codeOf(tenant)];
console.log(...codes, parseAddress("127.0.0.1:3389").port);
`;

describe("the packages as libraries", () => {
  let folder: TemporaryFolder;

  before(async function () {
    this.timeout(INSTALL_MS);
    folder = await TemporaryFolder.create("consumer");
    await writeFile(folder.file("package.json"), JSON.stringify({ private: true, type: "module" }));
    await writeFile(folder.file("program.ts"), PROGRAM);
    const { devDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
      devDependencies: Record<string, string>;
    };
    const types = `@types/node@${devDependencies["@types/node"] ?? ""}`;
    const packages = await builtPackages("gen", "dataplane", "control");
    await installOrSkip(this, [...packages, types], folder.path);
  });
  after(() => folder[Symbol.asyncDispose]());

  it("type-check a strict program by their declarations, and run it as JavaScript", async function () {
    this.timeout(CHECK_MS);
    await compile("program.ts");
    const { stdout } = await run(process.execPath, ["program.js"], { cwd: folder.path });
    expect(stdout).to.equal("home-missing home-missing home-missing 3389\n");
  });

  it("have a README whose links lead to what they bring, and the examples in one of them", async () => {
    const links = async (name: string) => documentLinks(folder.file(`node_modules/@drawbridge/${name}`));
    const examples = { document: "README.md", target: "examples/node", isThere: true };
    expect(await links("control")).to.deep.equal([examples]);
    expect([...(await links("dataplane")), ...(await links("gen"))]).to.deep.equal([]);
  });

  it("type-check the examples as they stand in the repository", async function () {
    this.timeout(CHECK_MS);
    for (const name of await readdir(join(ROOT, "examples/node"))) {
      await cp(join(ROOT, "examples/node", name), folder.file(name));
      await compile(name);
    }
  });

  it("type-check what docs/LIBRARY.md shows", async function () {
    this.timeout(CHECK_MS);
    const shown = (await readFile(join(ROOT, "docs/LIBRARY.md"), "utf8")).matchAll(/^```ts\n(.*?)^```/gms);
    const programs = [...shown].map(([, program = ""]) => program);
    expect(programs).to.have.length(4);
    for (const [index, program] of programs.entries()) {
      await writeFile(folder.file(`shown-${index}.ts`), program);
      await compile(`shown-${index}.ts`);
    }
  });

  async function compile(program: string): Promise<void> {
    const { stdout } = await run(process.execPath, [TSC, ...COMPILER, program], { cwd: folder.path }).catch(
      (failure: unknown) => failure as { stdout: string },
    );
    expect(stdout).to.equal("");
  }
});
