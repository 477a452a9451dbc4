import { expect } from "chai";
import { openSession } from "../support/chain.ts";
import { stopCli } from "../support/cli.ts";
import { peerSuite } from "../support/peer-suite.ts";
import { startGateway } from "../integration/gateway/gateway-process.ts";
import { HaProxy } from "../integration/gateway/haproxy.ts";
import { desktopSuite } from "./desktop-suite.ts";
import { expectKnownPicture, TenantDesktop } from "./tenant-desktop.ts";

/** Nobody listens there. */
const DEAD = "127.0.0.1:1";

/** Lets everything that the chain does go through a front, and logs on once. */
async function logOnThrough(front: (cloud: string) => Promise<string>): Promise<void> {
  const desktop = await TenantDesktop.start("nla", {
    publicFront: front,
    cloudSettings: { trustedGateways: ["127.0.0.1"] },
  });
  try {
    await using session = await openSession(desktop.chain);
    await using client = await desktop.logOn(session.address);
    await expectKnownPicture(client);
    const { events } = await desktop.chain.operator(["tenants", "--json"]);
    expect(events[0]?.["sourceAddress"], "the tenant's address, not the gateway's").to.match(/^\[::1\]:/);
  } finally {
    await desktop.stop();
  }
}

desktopSuite("one logon through a gateway", () => {
  it("brings the desktop's picture through `drawbridge gateway run` with no pixel different", async () => {
    const gateways: Awaited<ReturnType<typeof startGateway>>[] = [];
    await logOnThrough(async (cloud) => {
      const gateway = await startGateway([cloud]);
      gateways.push(gateway);
      return gateway.address;
    });
    for (const { process } of gateways) await stopCli(process);
  });

  peerSuite("that is HAProxy", ["haproxy"], () => {
    it("brings the desktop's picture with no pixel different", async () => {
      await using resources = new AsyncDisposableStack();
      await logOnThrough(async (cloud) => resources.use(await HaProxy.start([cloud, DEAD])).address);
    });
  });
});
