import { readFile, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { TestAuthority } from "../../support/certificates.ts";
import { type Chain, type ChainOptions, startChain, stopChain } from "../../support/chain.ts";
import { expectCli, stopCli } from "../../support/cli.ts";
import { answerAsRdpServer } from "../../support/rdp-answers.ts";
import { TunnelProxy } from "../../support/tunnel-proxy.ts";
import { TargetServer } from "../cli/target-server.ts";
import { type GatewayProcess, startGateway } from "../gateway/gateway-process.ts";
import { type DoctorRun, runDoctor } from "./doctor-run.ts";

const NLA = 2;
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
/** What the way to the provider has, wherever it leads through. */
const WAY = ["tcp ok", "tls ok", "grpc ok", "clock ok", "leg ok"];

describe("drawbridge doctor, on ways that are not the plain one", function () {
  this.timeout(120_000);
  let rdp: TargetServer;
  before(async () => {
    const identity = await (await TestAuthority.create()).issue("drawbridge://x/tenant/y");
    rdp = await TargetServer.start(answerAsRdpServer([NLA], identity));
  });
  after(() => rdp[Symbol.asyncDispose]());

  async function onChain(options: Omit<ChainOptions, "targets">, use: (chain: Chain) => Promise<void>): Promise<void> {
    const chain = await startChain([rdp.named("rdp")], options);
    try {
      await use(chain);
    } finally {
      await stopChain(chain);
    }
  }

  /** Asserts that all is well at both ends, whose runs it returns. */
  async function expectWell(chain: Chain, args: string[] = []): Promise<{ tenant: DoctorRun; operator: DoctorRun }> {
    const [tenant, operator] = [await runDoctor(chain.tenantHome, args), await runDoctor(chain.operatorHome, args)];
    for (const { code, summary, outcomes } of [tenant, operator]) {
      expect(code, JSON.stringify(summary)).to.equal(0);
      expect(outcomes).to.include.members(WAY);
    }
    expect(tenant.outcomes.slice(-5)).to.deep.equal(["control ok", "policy ok", "lock ok", "target ok", "rdp ok"]);
    expect(operator.step("tenants")).to.deep.include({ outcome: "ok", tenants: 1, online: 1 });
    return { tenant, operator };
  }

  async function expectProviderWell({ cloudHome }: Chain): Promise<DoctorRun> {
    const run = await runDoctor(cloudHome);
    expect(run.code, JSON.stringify(run.summary)).to.equal(0);
    expect(run.outcomes).to.include.members(["listen ok", "tcp ok", "tls ok"]);
    return run;
  }

  /** Says in the settings where the cloud redirector listens, as has to be where that is not its public address's port. */
  async function keepListen({ cloudHome, address }: Chain): Promise<void> {
    const file = join(cloudHome, "cloud", "settings.json");
    const settings = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...settings, listen: address }));
  }

  for (const transport of ["raw", "tls"] as const) {
    it(`finds all well over IPv6, at all three, with ${transport} legs`, async function () {
      if (!hasIpv6) this.skip();
      await onChain({ host: "[::1]" }, async (chain) => {
        const { tenant, operator } = await expectWell(chain, ["--leg-transport", transport]);
        for (const { step } of [tenant, operator]) {
          expect(step("tcp")["text"]).to.include("[::1]");
          expect(step("leg")).to.deep.include({ transport });
        }
        const provider = await expectProviderWell(chain);
        expect(provider.step("listen")["address"]).to.equal(chain.address);
      });
    });
  }

  it("finds all well through a gateway, at all three", async function () {
    if (!hasIpv6) this.skip();
    await using undo = new AsyncDisposableStack();
    let gateway: GatewayProcess | undefined;
    const publicFront = async (cloud: string): Promise<string> => {
      // On ::1, so that what dials the cloud redirector from 127.0.0.1 is the gateway alone.
      gateway = await startGateway([cloud]);
      undo.use(gateway.process);
      return gateway.address;
    };
    await onChain({ publicFront, cloudSettings: { trustedGateways: ["127.0.0.1"] } }, async (chain) => {
      const { tenant, operator } = await expectWell(chain);
      for (const { step } of [tenant, operator]) expect(step("tcp")["text"]).to.include(gateway?.address);
      await keepListen(chain);
      await expectProviderWell(chain);
    });
    if (gateway !== undefined) await stopCli(gateway.process);
  });

  it("finds all well through a proxy that stands in the homes of both", async () => {
    await using proxy = await TunnelProxy.start();
    await onChain({}, async (chain) => {
      for (const [role, home] of [["tenant", chain.tenantHome] as const, ["operator", chain.operatorHome] as const]) {
        await expectCli([role, "network", "--proxy", proxy.url], { home });
      }
      const { tenant, operator } = await expectWell(chain);
      for (const { step } of [tenant, operator]) {
        expect(step("proxy")).to.deep.include({ outcome: "ok", proxy: proxy.url });
        expect(step("leg")["outcome"]).to.equal("ok");
      }
    });
  });
});
