import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { readAll } from "../../support/dataplane-sockets.ts";
import { GatewayPair } from "./gateway-pair.ts";

/** As the issue has it. */
const WORKS_AGAIN_WITHIN_MS = 5_000;
/** Starting `connect` alone takes so long on a machine that has much else to do. */
const START_MS = 3_000;

describe("two gateways, of which one is killed", function () {
  this.timeout(120_000);
  let pair: GatewayPair;
  before(async () => {
    pair = await GatewayPair.start();
  });
  after(() => pair[Symbol.asyncDispose]());

  it("new sessions work within 5 s, and those through the other one see nothing", async () => {
    const { tenant, gateways } = pair;
    const [first, second] = pair.addresses;
    expect(tenant.events[0]).to.include({ event: "ready", gateway: first });
    const lost = await pair.openLink();
    const watch = await pair.operator(["tenants", "--watch"]);
    await until(() => watch.events.length > 0 || undefined, { what: "the watch's first line" });

    gateways[0]?.child.signal("SIGKILL");
    const killedAt = performance.now();
    const moved = await pair.openSoon();
    expect(performance.now() - killedAt).to.be.lessThan(WORKS_AGAIN_WITHIN_MS + START_MS);
    expect(tenant.events.at(-1)).to.not.include({ event: "disconnected" });
    expect(tenant.events.findLast(({ event }) => event === "connected")).to.include({ gateway: second });

    const end = (await lost.session.ended()).events.find(({ event }) => event === "session-ended");
    expect(end).to.include({ code: "unavailable" });
    expect(end?.["message"]).to.match(/^the connection to the provider at .* was lost, and the session with it$/);
    lost.link.destroy();
    const online = (): true | undefined => watch.events.at(-1)?.["state"] === "online" || undefined;
    await until(() => (/going on at/.test(watch.child.tail()) ? online() : undefined), { what: "the watch going on" });

    // The first one is back, new sessions go through it, and it is killed again: those through the other stay.
    await pair.startGateway(0);
    const other = await pair.openLink();
    gateways[0]?.child.signal("SIGKILL");
    await pair.openSoon().then(({ link }) => link.destroy());
    await other.session.ended();
    other.link.destroy();
    moved.link.end("still there");
    expect((await readAll(moved.link)).toString()).to.equal("still there");
    expect(moved.session.child.exit).to.equal(undefined);
    moved.link.destroy();
  });

  it("the list is kept in the homes of both", async () => {
    const { provider } = pair;
    const list = pair.addresses.map((address, index) => `${index} 1 ${address}`);
    for (const role of ["tenant", "operator"] as const) {
      const identity = JSON.parse(await readFile(join(provider.folder(role), "identity.json"), "utf8")) as object;
      expect(identity).to.have.deep.property("addresses", list);
    }
    // A provider that adds a gateway tells those who are enrolled already.
    const file = join(provider.folder("cloud"), "settings.json");
    const settings = JSON.parse(await readFile(file, "utf8")) as object;
    const more = [...list, "9 1 127.0.0.1:9"];
    await writeFile(file, JSON.stringify({ ...settings, gateways: more }));
    await provider.kill();
    await provider.run();
    const kept = async (role: "tenant" | "operator"): Promise<true | undefined> => {
      const text = await readFile(join(provider.folder(role), "identity.json"), "utf8");
      return (JSON.parse(text) as { addresses: string[] }).addresses.length === more.length || undefined;
    };
    await until(() => kept("tenant"), { what: "the new list in the tenant's home", timeoutMs: 60_000 });
    const { link, session } = await pair.openSoon();
    link.destroy();
    await session.stop();
    expect(await kept("operator")).to.equal(true);
  });
});
