import { expect } from "chai";
import { findProgram } from "../../scripts/demo/desktop/programs.ts";
import { openSession } from "../support/chain.ts";
import { Tinyproxy } from "../support/tinyproxy.ts";
import { TlsOnlyMiddlebox } from "../support/tls-only-middlebox.ts";
import { desktopSuite } from "./desktop-suite.ts";
import { expectKnownPicture, TenantDesktop } from "./tenant-desktop.ts";

/** Asserts that a real RDP client shows the desktop, pixel for pixel. */
async function expectDesktop(desktop: TenantDesktop, args: string[] = []): Promise<void> {
  await using session = await openSession(desktop.chain, "rdp", args);
  await using client = await desktop.logOn(session.address);
  await expectKnownPicture(client);
}

desktopSuite("a real desktop through hostile networks", () => {
  it("appears where only TLS gets through, at both ends", async () => {
    await using resources = new AsyncDisposableStack();
    const boxes: TlsOnlyMiddlebox[] = [];
    const front = async (cloud: string): Promise<string> => {
      const box = resources.use(await TlsOnlyMiddlebox.start(cloud, "swallows"));
      boxes.push(box);
      return box.name;
    };
    const desktop = await TenantDesktop.start("tls", { tenantFront: front, operatorFront: front });
    resources.defer(() => desktop.stop());
    await expectDesktop(desktop);
    for (const { seen } of boxes) expect(seen).to.include({ raw: 0 }).and.have.property("stopped").that.is.above(0);
  });

  const withProxy = findProgram("tinyproxy") === undefined ? it.skip : it;
  withProxy("appears through a proxy that wants a password, at both ends", async () => {
    await using resources = new AsyncDisposableStack();
    const proxies: Tinyproxy[] = [];
    const env: NodeJS.ProcessEnv = {};
    const desktop = await TenantDesktop.start("nla", {
      env,
      tenantFront: async (cloud) => {
        const connectPort = Number(cloud.slice(cloud.lastIndexOf(":") + 1));
        const proxy = resources.use(await Tinyproxy.start({ user: "maria", password: "s3cret", connectPort }));
        proxies.push(proxy);
        env["HTTPS_PROXY"] = `http://maria:s3cret@${proxy.address}`;
        return cloud;
      },
    });
    resources.defer(() => desktop.stop());
    const before = proxies[0]?.targets.length ?? 0;
    await expectDesktop(desktop);
    expect(proxies[0]?.targets.length, "tunnels: a channel, and two legs").to.be.at.least(before + 3);
  });

  it("appears over IPv6", async () => {
    const desktop = await TenantDesktop.start("tls", { host: "[::1]" });
    try {
      await expectDesktop(desktop, ["--leg-transport", "tls"]);
    } finally {
      await desktop.stop();
    }
  });
});
