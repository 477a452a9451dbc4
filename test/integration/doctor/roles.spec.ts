import { createServer as createHttpServer } from "node:http";
import { once } from "node:events";
import { X509Certificate } from "node:crypto";
import { type AddressInfo } from "node:net";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { TestAuthority, type TestIdentity } from "../../support/certificates.ts";
import { type Chain, startChain, stopChain } from "../../support/chain.ts";
import { expectCli, runCli } from "../../support/cli.ts";
import { answerAsRdpServer } from "../../support/rdp-answers.ts";
import { TargetServer } from "../cli/target-server.ts";
import { runDoctor } from "./doctor-run.ts";

const NLA = 2;

describe("drawbridge doctor, on the homes of a chain that runs", function () {
  this.timeout(60_000);
  let chain: Chain;
  let rdp: TargetServer;
  let identity: TestIdentity;

  before(async () => {
    identity = await (await TestAuthority.create()).issue("drawbridge://x/tenant/y");
    rdp = await TargetServer.start(answerAsRdpServer([NLA], identity));
    chain = await startChain([rdp.named("rdp")]);
  });
  after(async () => {
    await stopChain(chain);
    await rdp[Symbol.asyncDispose]();
  });

  it("finds all well at the provider: disk, certificates, store, listener, public address", async () => {
    const { code, outcomes } = await runDoctor(chain.cloudHome);
    expect(outcomes).to.deep.equal([
      "home ok",
      "disk ok",
      "ca ok",
      "certificate ok",
      "store ok",
      "listen ok",
      "gateways ok",
      "dns skipped",
      "proxy skipped",
      "tcp ok",
      "tls ok",
    ]);
    expect(code).to.equal(0);
  });

  it("finds all well at the tenant, to the RDP server's security and certificate", async () => {
    const { code, outcomes, step } = await runDoctor(chain.tenantHome);
    expect(code, outcomes.join(", ")).to.equal(0);
    expect(outcomes.slice(-7)).to.deep.equal([
      "clock ok",
      "leg ok",
      "control ok",
      "policy ok",
      "lock ok",
      "target ok",
      "rdp ok",
    ]);
    expect(step("rdp")).to.deep.include({ subject: "rdp", offers: ["nla"], nlaRequired: true });
    const { fingerprint256 } = new X509Certificate(identity.certificate);
    expect(step("rdp")["certificate"]).to.deep.include({ fingerprint: fingerprint256.toLowerCase(), name: "test" });
  });

  it("leaves the running control connection alone", async () => {
    const before = chain.tenant.events.length;
    expect((await runDoctor(chain.tenantHome)).step("control")).to.deep.include({ outcome: "ok", running: true });
    await chain.waitForTenant("online");
    expect(chain.tenant.events.slice(before)).to.deep.equal([]);
  });

  it("finds the operator's way to its tenants", async () => {
    const { code, step } = await runDoctor(chain.operatorHome);
    expect(code).to.equal(0);
    expect(step("tenants")).to.deep.include({ outcome: "ok", tenants: 1, online: 1 });
    expect(step("leg")["outcome"]).to.equal("ok");
  });

  it("prints a line a step for people, and what it comes to", async () => {
    const { stdout, code } = await expectCli(["doctor"], { home: chain.tenantHome });
    expect(code).to.equal(0);
    const lines = stdout.split("\n");
    expect(lines[0]).to.match(/^tenant in /);
    expect(lines.slice(1, -1).every((line) => /^ {2}(ok|skipped) +\S/.test(line))).to.equal(true);
    expect(lines.at(-1)).to.match(/^All is well: \d+ ok, 0 warnings, 0 failed, \d+ skipped\.$/);
  });

  it("says of a locked tenant that it is locked", async () => {
    await expectCli(["tenant", "lock", "--reason", "audit week"], { home: chain.tenantHome });
    const { code, step } = await runDoctor(chain.tenantHome);
    await expectCli(["tenant", "unlock"], { home: chain.tenantHome });
    expect(step("lock")["outcome"]).to.equal("warning");
    expect(code).to.equal(0);
  });

  it("warns that `tenant run` is not running, and looks at all the rest", async () => {
    await chain.stopTenant();
    const { code, step } = await runDoctor(chain.tenantHome);
    await chain.startTenant();
    expect(step("control")).to.deep.include({ outcome: "warning", running: false });
    expect(step("leg")["outcome"]).to.equal("ok");
    expect(code).to.equal(0);
  });

  it("wants a home, names the role that is asked for, and takes no other", async () => {
    await using folder = await TemporaryFolder.create("no-home");
    const none = await runCli(["doctor", "--json"], { home: folder.path });
    expect(none.code).to.equal(2);
    expect(none.events[0]).to.deep.include({ event: "error", code: "home-missing" });
    const { code, steps } = await runDoctor(folder.path, ["--role", "operator"]);
    expect(code).to.equal(2);
    expect(steps).to.have.length(1);
    const wrong = await runCli(["doctor", "--json", "--role", "queen"], { home: folder.path });
    expect(wrong.events[0]).to.deep.include({ event: "error", code: "invalid-argument" });
  });
});

describe("drawbridge doctor, where something is wrong at one end", function () {
  this.timeout(60_000);

  it("names a target that is down, one that is no RDP server, and forgives a target that is meant to be none", async () => {
    await using http = createHttpServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
    await once(http, "listening");
    const web = `127.0.0.1:${(http.address() as AddressInfo).port}`;
    const dead = `127.0.0.1:${await freePort()}`;
    const chain = await startChain([`web=${web}`, `rdp-web=${web}`, `rdp=${dead}`]);
    try {
      const { code, step, outcomes, summary } = await runDoctor(chain.tenantHome);
      expect(outcomes.slice(-5)).to.deep.equal([
        "target ok",
        "target ok",
        "rdp failed",
        "target failed",
        "rdp skipped",
      ]);
      expect(step("rdp", "rdp-web")["text"]).to.match(/no RDP server: it is an HTTP server \("HTTP\/1\.1 400/);
      expect(step("target", "rdp")["text"]).to.match(/refused the connection/);
      expect(summary["first"]).to.deep.include({ step: "rdp", subject: "rdp-web" });
      expect(code).to.equal(5);
    } finally {
      await stopChain(chain);
    }
  });

  it("names a cloud redirector that does not run, at the provider, the tenant and the operator", async () => {
    const chain = await startChain(["x=127.0.0.1:1"]);
    try {
      await chain.processes[0]?.stop();
      const [cloud, tenant, operator] = await Promise.all(
        [chain.cloudHome, chain.tenantHome, chain.operatorHome].map((home) => runDoctor(home)),
      );
      expect(cloud?.summary["first"]).to.deep.include({ step: "listen", code: "unavailable" });
      expect(cloud?.step("store")["outcome"]).to.equal("ok");
      expect(tenant?.summary["first"]).to.deep.include({ step: "tcp", code: "dial-failed" });
      expect(tenant?.step("control")).to.deep.include({ outcome: "failed", code: "unavailable" });
      expect(operator?.summary["first"]).to.deep.include({ step: "tcp", code: "dial-failed" });
      expect([cloud?.code, tenant?.code, operator?.code]).to.deep.equal([4, 4, 4]);
    } finally {
      await stopChain(chain);
    }
  });
});
