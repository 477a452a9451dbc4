import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startChain, stopChain } from "../../support/chain.ts";
import type { Chain } from "../../support/chain.ts";
import { ExampleProgram } from "./example-program.ts";

const MB = 1024 * 1024;

describe("the examples in TypeScript", () => {
  const resources = new AsyncDisposableStack();
  let chain: Chain;
  let inbox: ExampleProgram;
  let received: string;
  let file: string;
  const content = randomBytes(8 * MB + 1);

  before(async function () {
    this.timeout(60_000);
    chain = await startChain(["rdp=127.0.0.1:9"]);
    // The program takes the command's place, on its home.
    await chain.stopTenant();
    received = join(chain.tenantHome, "received");
    file = join(chain.operatorHome, "file");
    await mkdir(received);
    await writeFile(file, content);
    inbox = resources.use(await ExampleProgram.start("inbox.ts", [chain.tenantHome, received]));
    await inbox.line("connected");
  });
  after(async function () {
    this.timeout(60_000);
    await resources.disposeAsync();
    await stopChain(chain);
  });

  const send = (target: string, ...ticket: string[]) =>
    ExampleProgram.run("send-file.ts", [chain.operatorHome, chain.tenantName, target, file, ...ticket]);

  it("copy a file to a target that a program serves itself, every byte of it, and bring the answer back", async () => {
    const { code, lines, tail } = await send("inbox", "T-1");
    expect(code, tail).to.equal(0);
    const hash = createHash("sha256").update(content).digest("hex");
    expect(lines).to.deep.equal([`${content.length} bytes, SHA-256 ${hash}`]);
    const [name = ""] = await readdir(received);
    expect((await readFile(join(received, name))).equals(content)).to.equal(true);
    expect(await inbox.line("let in")).to.equal("let in: alice for T-1");
    expect(await inbox.line("received")).to.contain(hash);
  });

  it("refuse by the program's own decision, in its own words", async () => {
    const { code, tail } = await send("inbox");
    expect(code).to.equal(1);
    expect(tail).to.contain("consent-refused: the tenant refused this session: name a ticket");
  });

  it("tell a target that does not answer, and one that is not there", async () => {
    expect((await send("rdp", "T-2")).tail).to.contain("target-unreachable: target rdp does not answer");
    expect((await send("vnc", "T-2")).tail).to.contain("target-not-found");
  });

  it("end in order when they are told to", async () => {
    expect(await inbox.child.stop()).to.deep.equal({ code: 0, signal: null });
  });
});
