import { expect } from "chai";
import { runDrawbridge } from "../../../scripts/demo/drawbridge.ts";
import { startCli } from "../../support/cli.ts";
import { peerSuite } from "../../support/peer-suite.ts";
import { until } from "../../../scripts/demo/until.ts";
import { Provider } from "./provider.ts";

/** Makes a process see another date; its timers stay right. Source: faketime(1). */
const shifted = (by: string): NodeJS.ProcessEnv => ({
  LD_PRELOAD: "/usr/$LIB/faketime/libfaketime.so.1",
  FAKETIME: by,
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
  DONT_FAKE_MONOTONIC: "1",
});

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

peerSuite("a machine whose clock is an hour off", ["faketime"], () => {
  let provider: Provider;
  before(async () => {
    provider = await Provider.init();
    await provider.run();
    await provider.enrolOperator();
    await provider.enrolTenant("rdp=127.0.0.1:9");
  });
  after(() => provider[Symbol.asyncDispose]());

  it("is told so, with both times, where that keeps it out: it is behind a certificate that is new", async () => {
    const result = await runDrawbridge(["tenants", "--json"], { home: provider.home, env: shifted("-1h") });
    expect(result.code, result.tail).to.equal(4);
    const { message, remedy } = result.events.at(-1) ?? {};
    const text = new RegExp(
      `^the cloud redirector cannot be reached: this machine's clock says ${TIME}, but the certificate of the cloud redirector at ${provider.address} is good from (${TIME}) to ${TIME}$`,
    );
    expect(message).to.match(text);
    expect(remedy).to.include("Set this machine's clock right");
    const [, from = ""] = text.exec(String(message)) ?? [];
    expect(Math.abs(Date.parse(from) - Date.now())).to.be.lessThan(15 * 60_000);
  });

  it("is told so in a tenant's log, which goes on trying", async () => {
    await using tenant = await startCli(["tenant", "run", "--json"], { home: provider.home, env: shifted("-1h") });
    const { message } = await tenant.waitForEvent("disconnected");
    expect(message).to.match(/: this machine's clock says .* but the certificate of .* is good from/);
  });

  it("is told so, with both times, where it is let in all the same", async () => {
    await using tenant = await startCli(["tenant", "run", "--json"], { home: provider.home, env: shifted("+1h") });
    await tenant.waitForEvent("ready");
    const text = new RegExp(
      `this machine's clock is 60 min ahead of the provider's: it says ${TIME}, the provider's ${TIME};`,
    );
    await until(() => text.test(tenant.child.tail()) || undefined, { what: "a word about the clock" });
  });
});
