import { expect } from "chai";
import type { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChain, stopChain } from "../../support/chain.ts";
import type { Chain } from "../../support/chain.ts";
import { expectCli, startCli } from "../../support/cli.ts";
import { dialLoopback } from "../../support/dataplane-sockets.ts";
import { peerSuite } from "../../support/peer-suite.ts";
import { expectBulkUnaltered, receiveBulk } from "../cli/bulk.ts";
import { TargetServer } from "../cli/target-server.ts";
import { compileContract, PYTHON_PROGRAMS, PythonProgram } from "./python-program.ts";

const MB = 1024 * 1024;
const TENANT = "tenant_redirector.py";
const OPERATOR = "operator_client.py";

peerSuite("the examples in Python, written from the contract alone", PYTHON_PROGRAMS, function () {
  const resources = new AsyncDisposableStack();
  let chain: Chain;
  let target: TargetServer;
  let onAccepted: (socket: Socket) => void = () => {};
  const home = (name: string): string => join(chain.operatorHome, "..", name);

  async function runTenant(name: string, admitted: readonly string[]): Promise<void> {
    const allow = admitted.flatMap((operator) => ["--allow", operator]);
    const args = ["run", "--home", home(name), "--target", target.named("rdp"), ...allow];
    await resources.use(await PythonProgram.start(TENANT, args)).line("connected");
  }

  before(async function () {
    this.timeout(60_000);
    await compileContract();
    target = resources.use(await TargetServer.start((socket) => onAccepted(socket)));
    chain = await startChain([target.named("rdp")]);
    for (const [kind, name, program] of [
      ["tenant", "snake", TENANT],
      ["tenant", "cautious", TENANT],
      ["operator", "guido", OPERATOR],
    ] as const) {
      const invite = await chain.cloud(["cloud", "invite", kind, name, "--json"]);
      const args = ["enroll", "-", "--home", home(name)];
      expect(await PythonProgram.run(program, args, String(invite.events[0]?.["code"]))).to.equal(0);
    }
    await runTenant("snake", ["alice", "guido"]);
    await runTenant("cautious", ["guido"]);
  });
  after(async () => {
    await resources.disposeAsync();
    await stopChain(chain);
  });

  /** Bytes both ways at once; each side ends alone, first the client, then the target. */
  async function carriesUnaltered(port: number): Promise<void> {
    const accepted = new Promise<Socket>((resolve) => (onAccepted = resolve));
    const near = await dialLoopback(port);
    const far = await accepted;
    await expectBulkUnaltered(near, far, 4 * MB);
  }

  /** Our half-closes pass: the answer comes after the question has ended. */
  async function answersAfterTheEnd(port: number): Promise<void> {
    onAccepted = (socket) => {
      void receiveBulk(socket).then(({ bytes }) => socket.end(`got ${bytes}`));
    };
    const near = await dialLoopback(port);
    near.end("question");
    const chunks: Buffer[] = [];
    for await (const chunk of near) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).to.equal("got 8");
  }

  const portOf = (line: string): number => Number(line.slice(line.lastIndexOf(":") + 1));

  it("read and write the golden vectors as our own code does", async () => {
    const vectors = fileURLToPath(new URL("../../contract/vectors/", import.meta.url));
    expect(await PythonProgram.run("check_vectors.py", [vectors])).to.equal(0);
  });

  it("a tenant redirector in Python serves our operator", async function () {
    this.timeout(60_000);
    const command = ["connect", "snake", "--client", "none", "--json", "--listen", "127.0.0.1:0"];
    await using session = await startCli(command, { home: chain.operatorHome });
    const { port } = await session.waitForEvent("listening");
    await carriesUnaltered(Number(port));
    await answersAfterTheEnd(Number(port));
  });

  it("an operator in Python reaches our tenant redirector", async function () {
    this.timeout(60_000);
    await using session = await PythonProgram.start(OPERATOR, ["connect", "acme", "--home", home("guido")]);
    const port = portOf(await session.line("listening"));
    await carriesUnaltered(port);
    await answersAfterTheEnd(port);
  });

  it("both in Python work with each other", async function () {
    this.timeout(60_000);
    await using session = await PythonProgram.start(OPERATOR, ["connect", "snake", "--home", home("guido")]);
    const port = portOf(await session.line("listening"));
    await carriesUnaltered(port);
    await answersAfterTheEnd(port);
  });

  it("are refused and refuse: a tenant that is not there, a target, an operator, a mistyped code", async () => {
    expect(await PythonProgram.run(OPERATOR, ["connect", "nobody", "--home", home("guido")])).to.equal(3);
    const target = ["--target", "none"];
    expect(await PythonProgram.run(OPERATOR, ["connect", "snake", "--home", home("guido"), ...target])).to.equal(3);
    const refused = ["connect", "cautious", "--client", "none", "--home", chain.operatorHome];
    const { tail } = await expectCli(refused, { home: chain.operatorHome }, 3);
    expect(tail).to.contain("this tenant does not admit alice");
    expect(await PythonProgram.run(OPERATOR, ["enroll", "DBI1-xxxx", "--home", home("none")])).to.equal(3);
  });
});
