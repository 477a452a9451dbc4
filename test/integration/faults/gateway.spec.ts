import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { type Chain, type ListeningSession, openSession, startChain, stopChain } from "../../support/chain.ts";
import { CheckedLink } from "../../support/checked-flow.ts";
import { stopCli } from "../../support/cli.ts";
import { dialLoopback, LoopbackServer } from "../../support/dataplane-sockets.ts";
import { BLACK_HOLE, bothWays, type Faults } from "../../support/fault-connection.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { type GatewayProcess, startGateway } from "../gateway/gateway-process.ts";
import { expectRunning } from "./fault-bench.ts";

const KB = 1024;
const WHOLE = ["whole", "whole"];

const SLOW: Record<string, { faults: Faults; bytes: number }> = {
  "latency and jitter": { faults: bothWays({ latencyMs: 20, jitterMs: 20 }), bytes: 256 * KB },
  "pieces of one byte": { faults: bothWays({ pieceBytes: 1 }), bytes: 8 * KB },
  throttling: { faults: bothWays({ bytesPerSecond: 400 * KB }), bytes: 128 * KB },
};

describe("links under faults between gateway and cloud", function () {
  this.timeout(90_000);
  const resources = new AsyncDisposableStack();
  let target: LoopbackServer;
  let proxy: FaultProxy;
  let gateway: GatewayProcess;
  let chain: Chain;
  let seed = 0;

  before(async () => {
    target = resources.adopt(await LoopbackServer.start(), (server) => server.close());
    const publicFront = async (cloud: string): Promise<string> => {
      proxy = resources.use(await FaultProxy.start({ host: "127.0.0.1", port: Number(cloud.split(":")[1]) }));
      gateway = await startGateway([proxy.address]);
      resources.adopt(gateway.process, (process) => stopCli(process));
      return gateway.address;
    };
    const cloudSettings = { trustedGateways: ["127.0.0.1"] };
    const started = await startChain([`rdp=127.0.0.1:${target.address.port}`], { publicFront, cloudSettings });
    chain = resources.adopt(started, stopChain);
  });
  after(() => resources.disposeAsync());
  afterEach(() => expectRunning(...chain.processes, gateway.process));

  async function link({ port }: ListeningSession, bytes = Infinity): Promise<CheckedLink> {
    const client = await dialLoopback(port);
    seed += 1;
    return new CheckedLink(client, await target.next(), { seed, bytes, pauseMs: bytes === Infinity ? 5 : 0 });
  }

  async function flows({ forth, back }: CheckedLink): Promise<void> {
    const [atService, atClient] = [forth.received + 100_000, back.received + 100_000];
    const look = (): true | undefined => (forth.received > atService && back.received > atClient) || undefined;
    await until(look, { what: "more bytes both ways", intervalMs: 10 });
  }

  for (const [name, { faults, bytes }] of Object.entries(SLOW)) {
    it(`${name}: every byte comes, through half-closes`, async () => {
      proxy.set(faults);
      await using session = await openSession(chain);
      expect(await (await link(session, bytes)).outcome()).to.deep.equal(WHOLE);
      proxy.set();
    });
  }

  it("a reset of one link: both its ends know, and the other link is whole", async () => {
    await using session = await openSession(chain);
    const survivor = await link(session);
    await flows(survivor);
    const victim = await link(session);
    await flows(victim);
    // Every connection begins with a PROXY header; a leg is told by what it carries.
    proxy.connections.findLast(({ passed }) => Math.min(passed.forth, passed.back) > 50_000)?.reset();
    expect(await victim.outcome()).to.deep.equal(["broken", "broken"]);
    expect(await survivor.finish()).to.deep.equal(WHOLE);
  });

  it("a black hole that ends: the link is whole, and the tenant comes back by itself", async () => {
    await using session = await openSession(chain);
    const open = await link(session);
    await flows(open);
    proxy.set(BLACK_HOLE);
    // By then the tenant redirector has given its control connection up.
    const lost = (): true | undefined => /no control connection/.test(chain.tenant.child.tail()) || undefined;
    await until(lost, { what: "a lost control connection in the tenant's log", timeoutMs: 25_000 });
    proxy.set();
    await chain.waitForTenant("online");
    // The session's stream was dead for as long, and with it the session may be over: then its link is broken, not short.
    expect(await open.finish()).to.satisfy(([forth, back]: string[]) => forth === back && forth !== "short");
  });
});
