import { encodePreface, HandshakeToken } from "@drawbridge/dataplane";
import { expect } from "chai";
import { RendezvousBench, until } from "../../support/dataplane-rendezvous.ts";
import { closedOf, readAll, readBytes } from "../../support/dataplane-sockets.ts";

describe("rendezvous: what it refuses and ends", () => {
  let bench: RendezvousBench;

  afterEach(() => bench.stop());

  it("closes a leg without a word when its token is unknown, and reports it", async () => {
    bench = await RendezvousBench.start();
    expect(await readAll(await bench.arrive(HandshakeToken.generate())).catch(() => Buffer.alloc(0))).to.have.length(0);
    expect(bench.refusals).to.have.length(1);
    expect(bench.refusals[0]).to.have.nested.property("reason.code", "token-invalid");
    expect(bench.refusals[0]).to.have.property("address", "127.0.0.1");
  });

  it("PEERS security 4: refuses a token the second time: while held, once spliced, and after the end", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
    await bench.held(link.remoteToken);
    await closedOf(await bench.arrive(link.remoteToken));
    expect(link.state.kind).to.equal("held");
    const tenant = await bench.arrive(link.tenantToken);
    await link.paired;
    for (const token of [link.remoteToken, link.tenantToken]) await closedOf(await bench.arrive(token));
    expect(link.state.kind).to.equal("spliced");
    tenant.resetAndDestroy();
    await link.closed;
    for (const token of [link.remoteToken, link.tenantToken]) await closedOf(await bench.arrive(token));
    expect(bench.refusalCodes).to.deep.equal(Array(5).fill("token-invalid"));
  });

  it("PEERS security 4: accepts one of many legs that come at once with the same token", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
    await Promise.all(Array.from({ length: 20 }, () => bench.arrive(link.remoteToken)));
    await until(() => bench.refusals.length === 19);
    expect(rendezvous.stats()).to.include({ waitingLegs: 1, refusedTotal: 19, splicedLinks: 0 });
  });

  it("PEERS security 4: ends a reservation that expires, closes its held leg, and refuses its tokens", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const [lonely, empty] = ["l1", "l2"].map((linkId) => rendezvous.expect({ linkId, tenant: "acme" }));
    expect(lonely!.expiresInMs).to.equal(30_000);
    const remote = await bench.held(lonely!.remoteToken);
    bench.clock.advance(30_000);
    expect(await lonely!.closed).to.deep.equal({
      reason: { code: "expired", message: "no tenant leg came within 30000 ms" },
      toTenant: 0,
      toRemote: 0,
    });
    expect(await empty!.paired).to.have.nested.property("end.reason.message", "neither leg came within 30000 ms");
    await closedOf(remote);
    await closedOf(await bench.arrive(lonely!.tenantToken));
    expect(rendezvous.stats()).to.include({ expectedLinks: 0, waitingLegs: 0 });
  });

  it("does not expire a link that is spliced", async () => {
    bench = await RendezvousBench.start();
    const { link, remote, tenant } = await bench.pairedLink();
    bench.clock.advance(10 * 60_000);
    remote.write("still");
    expect((await readBytes(tenant, 5)).toString()).to.equal("still");
    expect(link.state.kind).to.equal("spliced");
  });

  it("closes a socket whose preface is late, however slowly it comes", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
    const [silent, slow] = [await bench.dialRaw(), await bench.dialRaw()];
    slow.write(encodePreface(link.remoteToken).subarray(0, -1));
    await until(() => rendezvous.stats().silentSockets === 2);
    bench.clock.advance(4999);
    expect(bench.refusals).to.have.length(0);
    bench.clock.advance(1);
    await Promise.all([closedOf(silent), closedOf(slow)]);
    expect(bench.refusalCodes).to.deep.equal(["handshake-timeout", "handshake-timeout"]);
    expect(rendezvous.stats().silentSockets).to.equal(0);
  });

  it("closes a socket at the first byte that cannot be a preface, or when it ends before", async () => {
    bench = await RendezvousBench.start();
    const [wrong, brief] = [await bench.dialRaw(), await bench.dialRaw()];
    wrong.write("DX");
    brief.end("DBR1");
    await Promise.all([closedOf(wrong), closedOf(brief)]);
    expect(bench.refusalCodes).to.have.members(["protocol-violation", "closed"]);
  });

  it("caps the sockets that say nothing, and serves real legs all the while", async () => {
    bench = await RendezvousBench.start({ silentPerAddress: 5 });
    const silent = [];
    for (let count = 0; count < 3; count += 1) silent.push(await bench.dialRaw());
    await until(() => bench.accepted === 3);
    await bench.pairedLink();
    silent.push(await bench.dialRaw(), await bench.dialRaw());
    await until(() => bench.accepted === 7);
    await closedOf(await bench.dialRaw());
    expect(bench.refusalCodes).to.deep.equal(["limit-exceeded"]);
    bench.clock.advance(5000);
    await Promise.all(silent.map(closedOf));
    await bench.pairedLink("l2");
  });

  it("caps the legs of a tenant that wait, without harm to other tenants", async () => {
    bench = await RendezvousBench.start({ waitingPerTenant: 2 });
    const { rendezvous } = bench;
    const links = Array.from({ length: 3 }, (_, index) => rendezvous.expect({ linkId: `a${index}`, tenant: "acme" }));
    for (const link of links.slice(0, 2)) await bench.held(link.remoteToken);
    await closedOf(await bench.arrive(links[2]!.remoteToken));
    expect(bench.refusals[0]).to.have.nested.property("reason.code", "limit-exceeded");
    await bench.held(rendezvous.expect({ linkId: "b", tenant: "bolt" }).remoteToken);
  });

  it("caps the links in all", async () => {
    bench = await RendezvousBench.start({ linksInAll: 1 });
    const { rendezvous } = bench;
    rendezvous.expect({ linkId: "l1", tenant: "acme" });
    expect(() => rendezvous.expect({ linkId: "l2", tenant: "acme" }))
      .to.throw()
      .with.property("code", "limit-exceeded");
  });
});
