import { access, chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { TestAuthority, type TestIdentity } from "../../support/certificates.ts";
import { type Chain, startChain, stopChain } from "../../support/chain.ts";
import { expectCli, runCli } from "../../support/cli.ts";
import { until } from "../../support/dataplane-rendezvous.ts";
import { answerAsRdpServer } from "../../support/rdp-answers.ts";
import { TargetServer } from "../cli/target-server.ts";

const [TLS, NLA] = [1, 2];

describe("connect, before it starts an RDP client", function () {
  this.timeout(60_000);
  let chain: Chain;
  let folder: TemporaryFolder;
  let identity: TestIdentity;
  let rdp: TargetServer;
  let ssh: TargetServer;
  let silent: TargetServer;
  let rude: TargetServer;
  /** What a started client leaves behind. */
  let mark: string;

  before(async () => {
    folder = await TemporaryFolder.create("check");
    identity = await (await TestAuthority.create()).issue("drawbridge://x/tenant/y");
    rdp = await TargetServer.start(answerAsRdpServer([NLA, TLS], identity));
    ssh = await TargetServer.start((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    silent = await TargetServer.start((socket) => socket.resume());
    rude = await TargetServer.start((socket) => socket.once("data", () => socket.end()));
    const dead = `dead=127.0.0.1:${await freePort()}`;
    chain = await startChain([rdp.named("rdp"), ssh.named("ssh"), silent.named("silent"), rude.named("rude"), dead]);
  });
  after(async () => {
    await stopChain(chain);
    for (const target of [rdp, ssh, silent, rude]) await target[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    mark = folder.file(`started-${Math.random()}`);
  });

  /** Runs `connect` with an RDP client that ends at once and leaves its mark. */
  async function connect(target: string, args: string[] = ["--json"]) {
    const client = folder.file("xfreerdp");
    // It is asked for its version first, which starts no session.
    await writeFile(client, `#!/bin/sh\n[ "$1" = --version ] || : > "$MARK"\n`);
    await chmod(client, 0o755);
    const env = { PATH: `${folder.path}:${process.env["PATH"] ?? ""}`, DISPLAY: ":99", MARK: mark };
    const listen = ["--listen", "127.0.0.1:0", "--client", "xfreerdp", "--target", target];
    return runCli(["connect", chain.tenantName, ...listen, ...args], { home: chain.operatorHome, env });
  }

  const isStarted = (): Promise<boolean> =>
    access(mark).then(
      () => true,
      () => false,
    );

  it("looks whether the RDP service answers, and tells programs its security and certificate", async () => {
    const { code, events, tail } = await connect("rdp");
    expect(code, tail).to.equal(0);
    expect(await isStarted()).to.equal(true);
    const checked = events.find(({ event }) => event === "target-checked");
    const fingerprint = new X509Certificate(identity.certificate).fingerprint256.toLowerCase();
    expect(checked).to.deep.include({ outcome: "answers", security: "NLA (CredSSP)" });
    expect(checked?.["certificate"]).to.deep.include({ fingerprint, name: "test" });
    expect(checked?.["ms"]).to.be.a("number");
    expect(events.map(({ event }) => event).indexOf("target-checked")).to.be.above(
      events.findIndex(({ event }) => event === "listening"),
    );
    // The link of the check is nobody's but its own.
    expect(events.filter(({ event }) => /^link-/.test(event ?? ""))).to.deep.equal([]);
  });

  it("tells people with --verbose only, where nothing is wrong", async () => {
    const quiet = await connect("rdp", []);
    expect(quiet.code, quiet.tail).to.equal(0);
    expect(quiet.tail).to.not.include("SHA-256");
    const verbose = await connect("rdp", ["--verbose"]);
    expect(verbose.tail).to.match(
      /acme\/rdp answers: NLA \(CredSSP\); certificate of "test", SHA-256 [0-9a-f:]{95}; checked/,
    );
  });

  it("starts no client on a dead target, and says so with the tenant's reason", async () => {
    const { code, events, tail } = await connect("dead");
    expect(code, tail).to.equal(4);
    expect(await isStarted(), "a client was started").to.equal(false);
    const error = events.at(-1);
    expect(error).to.deep.include({ event: "error", code: "target-unreachable" });
    expect(error?.["message"]).to.match(/^the RDP service of acme\/dead does not answer: .*refused the connection/);
    expect(error?.["remedy"]).to.match(/--no-check/);
    const text = await connect("dead", []);
    expect(text.tail).to.match(/^drawbridge: the RDP service of acme\/dead does not answer: /m);
  });

  it("has the tenant's reason also where links go plain", async () => {
    const policy = join(chain.tenantHome, "tenant", "policy.yaml");
    const text = await readFile(policy, "utf8");
    await writeFile(
      policy,
      text.replace(/- decision: allow.*/, (rule) => `${rule}\n    plain_links: allow`),
    );
    await expectCli(["tenant", "reload"], { home: chain.tenantHome });
    const { code, events, tail } = await connect("dead", ["--json", "--plain"]);
    expect(code, tail).to.equal(4);
    expect(events.find(({ event }) => event === "session-opened")).to.have.property("plain", true);
    expect(await isStarted()).to.equal(false);
    expect(events.at(-1)?.["message"]).to.match(
      /^the RDP service of acme\/dead does not answer: .*refused the connection/,
    );
  });

  it("starts no client on a target that hangs up at once", async () => {
    const { code, events, tail } = await connect("rude");
    expect(code, tail).to.equal(4);
    expect(await isStarted()).to.equal(false);
    expect(events.at(-1)?.["message"]).to.match(/closes it without a word/);
  });

  it("starts it all the same with --no-check", async () => {
    const { code, events } = await connect("dead", ["--json", "--no-check"]);
    expect(code).to.equal(0);
    expect(await isStarted()).to.equal(true);
    expect(events.some(({ event }) => event === "target-checked")).to.equal(false);
  });

  it("warns of a server that is no RDP server, says what was seen, and goes on", async () => {
    const { code, tail } = await connect("ssh", []);
    expect(code, tail).to.equal(0);
    expect(await isStarted()).to.equal(true);
    expect(tail).to.match(
      /what answers at acme\/ssh is no RDP server: it is an SSH server \("SSH-2\.0-OpenSSH_9\.2"\)/,
    );
  });

  it("waits no longer than 5 s for one that says nothing, says so, and goes on", async () => {
    const startedAt = performance.now();
    const { code, tail } = await connect("silent", []);
    expect(performance.now() - startedAt).to.be.above(5_000);
    expect(code, tail).to.equal(0);
    expect(await isStarted()).to.equal(true);
    expect(tail).to.match(/acme\/silent has not answered for 5s; the client is started all the same/);
  });

  it("leaves no link behind", async () => {
    const { events } = await runCli(["sessions", "--json"], { home: chain.operatorHome });
    expect(events).to.deep.equal([]);
    await until(() => [rdp, ssh, silent, rude].every(({ open }) => open === 0));
  });
});
