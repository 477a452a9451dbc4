import { once } from "node:events";
import { expect } from "chai";
import { Child } from "../../../scripts/demo/child.ts";
import { until } from "../../../scripts/demo/until.ts";
import type { Chain } from "../../support/chain.ts";
import { openSession, startChain, stopChain } from "../../support/chain.ts";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import { expectCleanExit, startCli, stopCli } from "../../support/cli.ts";
import { closedOf, dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { TargetServer } from "./target-server.ts";

/** Ends a command by a signal and asserts that it was done, with code 0. */
async function endBy(command: DrawbridgeProcess, signal: "SIGINT" | "SIGTERM"): Promise<void> {
  command.child.signal(signal);
  expectCleanExit(command, 0, await command.child.exited);
}

describe("the life of the command line's processes", function () {
  this.timeout(90_000);
  let target: TargetServer;
  let chain: Chain;
  let cloud: DrawbridgeProcess;
  const started = new AsyncDisposableStack();
  const start = async (args: string[], home: string): Promise<DrawbridgeProcess> =>
    started.use(await startCli([...args, "--json"], { home }));
  const watch = async (): Promise<DrawbridgeProcess> => {
    const watching = await start(["tenants", "--watch"], chain.operatorHome);
    await stateOf(watching, "online");
    return watching;
  };
  /** Resolves once a watch shows the tenant in this state, after so many of its lines. */
  const stateOf = (watching: DrawbridgeProcess, state: string, after = 0): Promise<number> =>
    until(
      () => {
        const index = watching.events.findIndex((row, at) => at >= after && row["state"] === state);
        return Promise.resolve(index < 0 ? undefined : index + 1);
      },
      { what: `acme ${state} in the watch`, timeoutMs: 40_000, intervalMs: 50 },
    );
  const echo = async (port: number): Promise<string> => {
    const socket = await dialLoopback(port);
    socket.end("hello");
    const answer = (await readAll(socket)).toString();
    socket.destroy();
    return answer;
  };
  const openSessions = async (): Promise<number> => (await chain.operator(["sessions", "--json"])).events.length;
  const noSessions = (): Promise<true> =>
    until(async () => (await openSessions()) === 0 || undefined, {
      what: "no open session",
      timeoutMs: 30_000,
      intervalMs: 100,
    });

  before(async () => {
    target = await TargetServer.start((socket) => socket.pipe(socket));
    chain = await startChain([target.named("rdp")]);
    [cloud] = chain.processes as [DrawbridgeProcess];
  });
  after(async () => {
    await started.disposeAsync();
    await stopChain(chain).catch(() => {}); // some of its processes were killed on purpose
    await target[Symbol.asyncDispose]();
  });

  it("ends connect on a signal while it waits for the tenant, and while links are open", async () => {
    chain.tenant.child.signal("SIGSTOP");
    const waiting = await chain.connect(["--client", "none", "--listen", "127.0.0.1:0"]);
    await until(async () => (await openSessions()) === 1 || undefined, {
      what: "a pending session",
      timeoutMs: 9_000,
      intervalMs: 50,
    });
    await endBy(waiting, "SIGINT");
    expect(waiting.events.filter(({ event }) => event === "error")).to.deep.equal([]);
    chain.tenant.child.signal("SIGCONT");
    await chain.waitForTenant("online");

    const session = await openSession(chain);
    const link = await dialLoopback(session.port);
    link.write("held open");
    await once(link, "data");
    const closed = closedOf(link);
    await endBy(session.process, "SIGTERM");
    await closed;
    expect(session.process.events.at(-1)).to.include({ event: "session-ended", code: "closed" });
    await noSessions();
  });

  it("ends tenants --watch on a signal", async () => {
    await endBy(await watch(), "SIGINT");
  });

  it("ends tenant run on a signal while connected and while reconnecting", async () => {
    const watching = await watch();
    await endBy(chain.tenant, "SIGINT");
    await stateOf(watching, "offline");
    await stopCli(watching);
    const tenant = await start(["tenant", "run"], chain.tenantHome);
    await tenant.waitForEvent("ready");
    await endBy(cloud, "SIGTERM");
    await until(() => Promise.resolve(/no control connection/.test(tenant.child.tail()) || undefined), {
      what: "a lost control connection in the log",
      timeoutMs: 30_000,
      intervalMs: 50,
    });
    await endBy(tenant, "SIGTERM");
    cloud = await restartCloud();
    await chain.startTenant();
  });

  const restartCloud = async (): Promise<DrawbridgeProcess> => {
    const again = await start(["cloud", "run", "--listen", chain.address], chain.cloudHome);
    await again.waitForEvent("ready");
    return again;
  };

  it("ends the sessions of a tenant redirector that is stopped", async () => {
    const session = await openSession(chain);
    await stopCli(chain.tenant);
    const { code, events } = await session.process.ended();
    expect(events.map(({ event }) => event)).to.include("session-ended");
    expect(code).to.be.oneOf([4, 5]);
    await noSessions();
    await chain.startTenant();
  });

  it("shows a killed tenant redirector as offline, and its sessions end when it is back", async () => {
    const watching = await watch();
    const session = await openSession(chain);
    expect(await echo(session.port)).to.equal("hello");
    chain.tenant.child.signal("SIGKILL");
    await stateOf(watching, "offline");
    const epoch = await chain.startTenant();
    expect(epoch).to.be.greaterThan(1);
    await session.process.ended();
    const end = session.process.events.find(({ event }) => event === "session-ended");
    expect(end?.["code"]).to.equal("tenant-lost");
    await stopCli(watching);
    await using next = await openSession(chain);
    expect(await echo(next.port)).to.equal("hello");
  });

  it("brings the tenant back by itself after the cloud redirector was killed, with a later epoch", async () => {
    const before = chain.tenant.events.findLast(({ epoch }) => epoch !== undefined)?.["epoch"];
    const session = await openSession(chain);
    cloud.child.signal("SIGKILL");
    const { code } = await session.process.ended();
    expect(code).to.be.oneOf([4, 5]);
    cloud = await restartCloud();
    const { epoch } = await chain.tenant.waitForEvent("connected");
    expect(Number(epoch)).to.be.greaterThan(Number(before));
    await chain.waitForTenant("online");
    await using next = await openSession(chain);
    expect(await echo(next.port)).to.equal("hello");
  });

  it("ends a session at the cloud redirector and at the tenant when connect is killed", async () => {
    const session = await openSession(chain);
    const { session: id } = await session.process.waitForEvent("session-opened");
    session.process.child.signal("SIGKILL");
    const ended = await chain.tenant.waitForEvent("session-ended", { where: (event) => event["session"] === id });
    expect(ended["code"]).to.equal("cancelled");
    await noSessions();
  });

  it("goes on with tenants --watch when the cloud redirector is back, and says that it was gone", async () => {
    const watching = await watch();
    const before = watching.events.length;
    await endBy(cloud, "SIGINT");
    const lost = await watching.waitForEvent("disconnected");
    expect(lost["code"]).to.be.oneOf(["shutting-down", "unavailable"]);
    expect(lost["retryInMs"]).to.be.a("number");
    expect(watching.child.tail()).to.match(/next attempt in [0-9.]+ s/);
    cloud = await restartCloud();
    await stateOf(watching, "online", before);
    await endBy(watching, "SIGINT");
    await chain.waitForTenant("online");
  });

  it("ends tenants --watch on a signal also while the cloud redirector is gone", async () => {
    const watching = await watch();
    await endBy(cloud, "SIGINT");
    await watching.waitForEvent("disconnected");
    await endBy(watching, "SIGINT");
    cloud = await restartCloud();
    await chain.waitForTenant("online");
  });

  it("ends a command whose reader is gone", async function () {
    if (process.platform === "win32") this.skip();
    const executable = new URL("../../../packages/console-cli/bin/drawbridge.js", import.meta.url).pathname;
    const script = `"${process.execPath}" "${executable}" tenants --watch --json | head -1`;
    const lines: string[] = [];
    await using shell = await Child.start({
      name: "a pipe",
      command: "/bin/sh",
      args: ["-c", script],
      env: { ...process.env, DRAWBRIDGE_HOME: chain.operatorHome },
      onLine: (line) => lines.push(line),
    });
    await until(() => Promise.resolve(lines.length > 0 || undefined), {
      what: "the first line",
      timeoutMs: 30_000,
      intervalMs: 50,
    });
    // A watch learns that its reader is gone when it writes next.
    await chain.stopTenant();
    expect(await shell.exited).to.deep.equal({ code: 0, signal: null });
    expect(lines).to.have.length(1);
    await chain.startTenant();
  });
});
