import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { readAll } from "../../support/dataplane-sockets.ts";
import { GatewayPair } from "./gateway-pair.ts";

/** The design's rule: a dead peer is known within so many milliseconds. */
const KNOWN_WITHIN_MS = 20_000;
/** As the issue has it for a gateway that dies. */
const WORKS_AGAIN_WITHIN_MS = 5_000;
/** Starting `connect` alone takes so long on a machine that has much else to do. */
const START_MS = 3_000;
const LATE_MS = 5_000;

describe("a gateway that freezes (SIGSTOP), with another beside it", function () {
  this.timeout(180_000);
  let pair: GatewayPair;
  before(async () => {
    pair = await GatewayPair.start();
  });
  after(() => pair[Symbol.asyncDispose]());

  it("is left by its tenants within 20 s; then a new session works within 5 s, and nobody notices that it thaws", async () => {
    const [first, second] = pair.addresses;
    const [gateway] = pair.gateways;
    expect(pair.tenantAt).to.equal(first);
    const lost = await pair.openLink();
    const frozenAt = performance.now();
    gateway?.child.signal("SIGSTOP");
    await until(() => pair.tenantAt === second || undefined, { what: "the tenant at the other", timeoutMs: 60_000 });
    expect(performance.now() - frozenAt).to.be.lessThan(KNOWN_WITHIN_MS + LATE_MS);

    // The first one is still preferred by the list, and takes connections without a word.
    for (const attempt of [1, 2, 3]) {
      const openedAt = performance.now();
      const { link } = await pair.openLink();
      expect(performance.now() - openedAt, `attempt ${attempt}`).to.be.lessThan(WORKS_AGAIN_WITHIN_MS + START_MS);
      link.end("still there");
      expect((await readAll(link)).toString()).to.equal("still there");
      link.destroy();
    }
    const end = (await lost.session.ended()).events.find(({ event }) => event === "session-ended");
    expect(end).to.include({ code: "unavailable" });
    lost.link.destroy();

    const { length: before } = pair.tenant.events;
    gateway?.child.signal("SIGCONT");
    const { link, session } = await pair.openLink();
    link.end("thawed");
    expect((await readAll(link)).toString()).to.equal("thawed");
    await session.stop();
    expect(pair.tenant.events.slice(before).map(({ event }) => event)).to.not.include("disconnected");
  });
});
