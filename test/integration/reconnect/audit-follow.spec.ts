import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { type DrawbridgeProcess, expectCleanExit } from "../../support/cli.ts";
import { GatewayPair } from "./gateway-pair.ts";

describe("drawbridge audit --follow", function () {
  this.timeout(120_000);
  let pair: GatewayPair;
  let follower: DrawbridgeProcess;
  before(async () => {
    pair = await GatewayPair.start();
    follower = await pair.operator(["audit", "--follow"]);
  });
  after(() => pair[Symbol.asyncDispose]());

  /** Has a record written, and waits until the follower shows it. */
  async function followed(name: string): Promise<void> {
    await pair.provider.cloudCli(["cloud", "invite", "operator", name]);
    const isShown = (): true | undefined =>
      follower.events.some(({ event, operator }) => event === "invited" && operator === name) || undefined;
    await until(isShown, { what: `the record of ${name}`, timeoutMs: 60_000 });
  }

  it("goes on after its gateway died, and after the cloud redirector was killed; no record is missing or comes twice", async () => {
    await followed("bob");
    pair.gateways[0]?.child.signal("SIGKILL");
    await followed("carol");
    expect(follower.child.tail()).to.include(`going on at ${pair.addresses[1] ?? ""}`);

    await pair.provider.kill();
    await until(() => /next attempt in/.test(follower.child.tail()) || undefined, {
      what: "the word on standard error",
    });
    await pair.provider.cloudCli(["cloud", "invite", "operator", "dave"]);
    await pair.provider.run();
    await followed("erin");

    const { events: exported } = await pair.provider.cloudCli(["audit", "export", "--json"]);
    const all = (): true | undefined => follower.events.length >= exported.length || undefined;
    await until(all, { what: "as many records as were exported", timeoutMs: 20_000 });
    const shown = follower.events.slice(0, exported.length);
    expect(shown.map(({ sequence }) => sequence)).to.deep.equal(exported.map(({ sequence }) => sequence));
    expect(shown.map(({ hash }) => hash)).to.deep.equal(exported.map(({ hash }) => hash));
  });

  it("ends with Ctrl-C also while it waits for a provider that is gone", async () => {
    const { length: before } = follower.child.tail().match(/next attempt in/g) ?? [];
    await pair.provider.kill();
    const waits = (): true | undefined =>
      (follower.child.tail().match(/next attempt in/g)?.length ?? 0) > before || undefined;
    await until(waits, { what: "the next wait", timeoutMs: 20_000 });
    follower.child.signal("SIGINT");
    await follower.ended();
    expectCleanExit(follower);
    await pair.provider.run();
  });
});
