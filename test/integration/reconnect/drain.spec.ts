import { expect } from "chai";
import { runDrawbridge } from "../../../scripts/demo/drawbridge.ts";
import { until } from "../../../scripts/demo/until.ts";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import { expectCleanExit, startCli } from "../../support/cli.ts";
import { closedOf, dialLoopback, readBytes } from "../../support/dataplane-sockets.ts";
import { TargetServer } from "../cli/target-server.ts";
import { Provider } from "./provider.ts";

describe("a cloud redirector that is told to stop", function () {
  this.timeout(120_000);
  let provider: Provider;
  let target: TargetServer;
  let tenant: DrawbridgeProcess;
  const started: DrawbridgeProcess[] = [];
  before(async () => {
    target = await TargetServer.start((socket) => socket.pipe(socket));
    provider = await Provider.init();
    await provider.run();
    await provider.enrolOperator();
    await provider.enrolTenant(target.named("rdp"));
    tenant = await provider.runTenant();
  });
  after(async () => {
    for (const process of [...started, tenant]) await process.stop();
    await provider[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  const CONNECT = ["connect", "acme", "--client", "none", "--listen", "127.0.0.1:0", "--json"];

  /** Opens a session; resolves to its process and its port. */
  async function open() {
    const session = await startCli(CONNECT, { home: provider.home });
    started.push(session);
    const { port } = await session.waitForEvent("listening");
    return { session, port: Number(port) };
  }

  async function restart(...args: string[]): Promise<void> {
    const { length: before } = tenant.events;
    await provider.run(args);
    await tenant.waitForEvent("connected", { where: (event) => tenant.events.indexOf(event) >= before });
  }

  async function logged(process: DrawbridgeProcess, text: RegExp): Promise<void> {
    await until(() => text.test(process.child.tail()) || undefined, { what: `${String(text)} in a log` });
  }

  it("takes no new session, lets the open one run, and ends with it, exit code 0", async () => {
    const { session, port } = await open();
    const link = await dialLoopback(port);
    link.write("before");
    await readBytes(link, 6);
    provider.cloud.child.signal("SIGTERM");
    // Told to every tenant, and only then is the broker certain to refuse.
    await logged(tenant, /the cloud redirector stops within 600 s/);
    const ending = await session.waitForEvent("ending");
    expect(ending).to.include({ code: "shutting-down", message: "the cloud redirector stops", target: "rdp" });
    expect(ending["withinSeconds"]).to.be.within(570, 600);
    const refused = await runDrawbridge(CONNECT, { home: provider.home });
    expect(refused.code).to.equal(4);
    expect(refused.events.at(-1)).to.include({
      event: "error",
      code: "shutting-down",
      message: "the cloud redirector is about to stop",
    });
    link.write("during");
    expect((await readBytes(link, 6)).toString()).to.equal("during");
    expect(provider.cloud.child.exit).to.equal(undefined);
    link.destroy();
    session.child.signal("SIGTERM");
    expectCleanExit(session, 0, await session.child.exited);
    expectCleanExit(provider.cloud, 0, await provider.cloud.child.exited);
    await restart();
  });

  it("ends the open sessions at the second signal, exit code 0", async () => {
    const { session, port } = await open();
    const link = await dialLoopback(port);
    link.write("before");
    await readBytes(link, 6);
    provider.cloud.child.signal("SIGTERM");
    await logged(provider.cloud, /no new sessions/);
    const closed = closedOf(link);
    const again = (): true | undefined => {
      if (/redirector stops$/m.test(provider.cloud.child.tail())) return true;
      provider.cloud.child.signal("SIGTERM");
      return undefined;
    };
    // Signals that come within half a second of each other count as one.
    await until(again, { what: "the second signal taken", intervalMs: 600 });
    expectCleanExit(provider.cloud, 0, await provider.cloud.child.exited);
    const { events } = await session.ended();
    expect(events.find(({ event }) => event === "session-ended")).to.include({ code: "shutting-down" });
    link.destroy();
    await closed;
    await restart();
  });

  it("ends them at once with --drain 0s", async () => {
    provider.cloud.child.signal("SIGTERM");
    await provider.cloud.child.exited;
    await restart("--drain", "0s");
    const { session } = await open();
    provider.cloud.child.signal("SIGTERM");
    expectCleanExit(provider.cloud, 0, await provider.cloud.child.exited);
    await session.ended();
    await restart();
  });

  it("ends at once where no session is open", async () => {
    const stoppedAt = performance.now();
    provider.cloud.child.signal("SIGTERM");
    expectCleanExit(provider.cloud, 0, await provider.cloud.child.exited);
    expect(performance.now() - stoppedAt).to.be.lessThan(10_000);
  });
});
