import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadIdentity } from "@drawbridge/control/identity";
import { enrollOperator, OperatorAccess } from "@drawbridge/control/remote";
import { enrollTenant, openTenantHome } from "@drawbridge/control/tenant";
import { expect } from "chai";
import type { Chain } from "../../support/chain.ts";
import { startChain, stopChain } from "../../support/chain.ts";
import { thrown } from "../../unit/identity/thrown.ts";

describe("enrolment by a program", function () {
  this.timeout(60_000);
  let chain: Chain;

  before(async () => void (chain = await startChain(["rdp=127.0.0.1:9"])));
  after(() => stopChain(chain));

  const invite = async (kind: "tenant" | "operator", name: string): Promise<string> =>
    String((await chain.cloud(["cloud", "invite", kind, name, "--json"])).events[0]?.["code"]);

  it("refuses what it can before the code is spent, and then the code is good, once", async () => {
    const code = await invite("tenant", "bolt");
    const home = join(chain.tenantHome, "bolt");
    const failed = async (changed: Partial<Parameters<typeof enrollTenant>[0]>) =>
      (await thrown(() => enrollTenant({ home, code, ...changed }))).code;
    expect(await failed({ home: join(chain.tenantHome, "tenant") })).to.equal("home-exists");
    expect(await failed({ code: code.slice(0, -3) })).to.equal("invite-invalid");
    expect(await failed({ targets: {} })).to.equal("invalid-argument");
    expect(await failed({ targets: { meta: "169.254.169.254:80" } })).to.equal("permission-denied");
    expect(await failed({ network: { proxy: "socks5://proxy:1" } })).to.equal("invalid-argument");
    expect(await failed({ signal: AbortSignal.abort() })).to.equal("cancelled");
    const { identity, hasFreshPolicy } = await enrollTenant({ home, code, targets: { web: "127.0.0.1:8080" } });
    expect(identity).to.deep.include({ kind: "tenant", name: "bolt", provider: "demo" });
    expect(hasFreshPolicy).to.equal(true);
    const opened = await openTenantHome(home);
    expect([...opened.targets]).to.deep.equal([["web", { host: "127.0.0.1", port: 8080 }]]);
    expect(opened.identity).to.deep.equal(identity);
    expect(await failed({ replace: true })).to.equal("invite-invalid");
  });

  it("puts a new identity in place of one that is there when told to, and leaves its policy alone", async () => {
    const home = join(chain.tenantHome, "copper");
    const first = await enrollTenant({ home, code: await invite("tenant", "copper") });
    const policy = join(home, "policy.yaml");
    await writeFile(policy, "rules: []\n");
    const second = await enrollTenant({ home, code: await invite("tenant", "copper"), replace: true });
    expect(second.hasFreshPolicy).to.equal(false);
    expect(await readFile(policy, "utf8")).to.equal("rules: []\n");
    expect(second.identity.keyFingerprint).not.to.equal(first.identity.keyFingerprint);
    expect((await loadIdentity(home, "tenant")).keyFingerprint).to.equal(second.identity.keyFingerprint);
  });

  it("gives an operator an identity that works and is written nowhere", async () => {
    const before = await readdir(chain.operatorHome);
    const identity = await enrollOperator({ code: await invite("operator", "job") });
    await using access = await OperatorAccess.open({ identity, trustTenantKey: () => Promise.resolve() });
    expect(access.identity).to.deep.include({ kind: "operator", name: "job" });
    expect(access.identity.keyFingerprint).to.match(/^[0-9a-f]{64}$/);
    expect(await readdir(chain.operatorHome)).to.deep.equal(before);
  });
});
