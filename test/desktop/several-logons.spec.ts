import { expect } from "chai";

import { openSession } from "../support/chain.ts";
import { desktopSuite } from "./desktop-suite.ts";
import { expectKnownPicture, TenantDesktop } from "./tenant-desktop.ts";

desktopSuite("several logons through the whole chain", () => {
  let desktop: TenantDesktop;

  before(async () => {
    desktop = await TenantDesktop.start("tls");
  });
  after(() => desktop.stop());

  it("shows the picture to two clients of one session at once", async () => {
    await using session = await openSession(desktop.chain);
    await using one = await desktop.logOn(session.address);
    await using other = await desktop.logOn(session.address);
    await Promise.all([expectKnownPicture(one), expectKnownPicture(other)]);
    expect([one.child.exit, other.child.exit], "both clients still run").to.deep.equal([undefined, undefined]);
  });

  it("shows the picture in two sessions at once", async () => {
    await using one = await openSession(desktop.chain);
    await using other = await openSession(desktop.chain);
    await using oneClient = await desktop.logOn(one.address);
    await using otherClient = await desktop.logOn(other.address);
    await Promise.all([expectKnownPicture(oneClient), expectKnownPicture(otherClient)]);
    expect([oneClient.child.exit, otherClient.child.exit], "both clients still run").to.deep.equal([
      undefined,
      undefined,
    ]);
  });

  it("logs on again after the tenant redirector was restarted, in a newer epoch", async () => {
    const [first] = desktop.chain.tenant.events.filter(({ event }) => event === "ready");
    await desktop.chain.stopTenant();
    const epoch = await desktop.chain.startTenant();
    expect(epoch).to.be.greaterThan(Number(first?.["epoch"]));

    await using session = await openSession(desktop.chain);
    await using client = await desktop.logOn(session.address);
    await expectKnownPicture(client);
  });
});
