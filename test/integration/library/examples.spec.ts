import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startChain, stopChain } from "../../support/chain.ts";
import { runCli } from "../../support/cli.ts";
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

  it("enrol by themselves: a tenant into its home, an operator's that keeps nothing; each with a code of its own", async function () {
    this.timeout(60_000);
    const invite = async (kind: string, name: string): Promise<string> =>
      String((await chain.cloud(["cloud", "invite", kind, name, "--json"])).events[0]?.["code"]);
    const home = join(chain.tenantHome, "second");
    const code = await invite("tenant", "bolt");
    const bolt = resources.use(await ExampleProgram.start("inbox.ts", [home, received], code));
    expect(await bolt.line("connected")).to.equal("connected: bolt to demo");
    const { events } = await runCli(["tenant", "fingerprint", "--home", home, "--json"], { home });
    const key = String(events[0]?.["fingerprint"]);

    const ask = async (pinned: string, inviteCode: string) =>
      ExampleProgram.run("ask.ts", ["bolt", pinned, "inbox", "hello", "T-3"], inviteCode);
    const first = await ask(key, await invite("operator", "job"));
    expect(first.code, first.tail).to.equal(0);
    expect(first.tail).to.contain("enrolled: job of demo");
    const hash = createHash("sha256").update("hello").digest("hex");
    expect(first.lines).to.deep.equal([`5 bytes, SHA-256 ${hash}`]);

    const other = await ask(`SHA256:${"0".repeat(43)}`, await invite("operator", "other"));
    expect(other.tail).to.contain(`certificate-invalid: tenant bolt has the key ${key}`);
    const spent = await ExampleProgram.run("inbox.ts", [join(home, "again"), received], code);
    expect(spent.tail).to.contain("invite-invalid");
    expect(spent.code).to.equal(1);
  });

  it("end in order when they are told to", async () => {
    expect(await inbox.child.stop()).to.deep.equal({ code: 0, signal: null });
  });
});
