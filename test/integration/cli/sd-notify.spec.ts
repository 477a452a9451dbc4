import { chmod, stat, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import type { Chain } from "../../support/chain.ts";
import { startChain, stopChain } from "../../support/chain.ts";
import { expectCli, startCli, stopCli } from "../../support/cli.ts";
import { NotifyReceiver } from "../../support/notify-receiver.ts";
import { peerSuite } from "../../support/peer-suite.ts";

/** Half a second: a sign of life every quarter. */
const WATCHDOG = { WATCHDOG_USEC: "500000" };

peerSuite("the service manager", ["systemd-notify", "python3"], function () {
  let chain: Chain;
  let folder: TemporaryFolder;

  before(async function () {
    this.timeout(60_000);
    chain = await startChain(["rdp=127.0.0.1:9"]);
    folder = await TemporaryFolder.create("notify");
  });
  after(async function () {
    this.timeout(60_000);
    await stopChain(chain);
    await folder[Symbol.asyncDispose]();
  });

  const roles: [string, () => Promise<{ args: string[]; home: string }>, RegExp][] = [
    [
      "cloud run",
      async () => {
        const home = folder.file("cloud");
        await expectCli(["cloud", "init", "--public-address", "127.0.0.1:4"], { home });
        return { args: ["cloud", "run", "--listen", "127.0.0.1:0"], home };
      },
      /^STATUS=listens on 127\.0\.0\.1:\d+$/,
    ],
    [
      "tenant run",
      async () => {
        await chain.stopTenant();
        return { args: ["tenant", "run"], home: chain.tenantHome };
      },
      /^STATUS=connected to demo at 127\.0\.0\.1:\d+$/,
    ],
    [
      "gateway run",
      () => {
        const args = ["gateway", "run", "--listen", "127.0.0.1:0", "--cloud", chain.address];
        return Promise.resolve({ args, home: folder.path });
      },
      /^STATUS=/,
    ],
  ];

  for (const [name, prepare, status] of roles) {
    it(`hears from \`${name}\` that it is ready, alive and stopping`, async function () {
      this.timeout(60_000);
      await using manager = await NotifyReceiver.start(folder.file(`${name.replace(" ", "-")}.sock`));
      const { args, home } = await prepare();
      const env = { NOTIFY_SOCKET: manager.socket, ...WATCHDOG };
      await using process = await startCli([...args, "--json"], { home, env });
      await process.waitForEvent("ready");
      await manager.waitFor("WATCHDOG=1", 2);
      await stopCli(process);
      await manager.waitFor("STOPPING=1");
      const lines = manager.messages.flat();
      expect(lines[0]).to.equal("READY=1");
      expect(lines.filter((line) => line === "READY=1")).to.have.length(1);
      expect(lines.some((line) => status.test(line))).to.equal(true, lines.join(" "));
    });
  }

  it("hears from `tenant run` that it reloads on SIGHUP, on an abstract socket too", async function () {
    this.timeout(60_000);
    await using manager = await NotifyReceiver.start(`@drawbridge-test-${process.pid}`);
    const env = { NOTIFY_SOCKET: manager.socket };
    await using tenant = await startCli(["tenant", "run", "--json"], { home: chain.tenantHome, env });
    await tenant.waitForEvent("ready");
    tenant.child.signal("SIGHUP");
    await manager.waitFor("RELOADING=1");
    await manager.waitFor("READY=1", 2);
    await stopCli(tenant);
    expect(manager.count("WATCHDOG=1")).to.equal(0);
  });

  it("hears from `tenant run` that it is ready while its provider cannot be reached", async function () {
    this.timeout(60_000);
    await using manager = await NotifyReceiver.start(folder.file("alone.sock"));
    const cloud = chain.processes[0];
    cloud?.child.signal("SIGSTOP");
    try {
      const env = { NOTIFY_SOCKET: manager.socket };
      await using tenant = await startCli(["tenant", "run", "--json"], { home: chain.tenantHome, env });
      await manager.waitFor("READY=1");
      expect(manager.messages[0]?.[1]).to.match(/^STATUS=not connected/);
      await stopCli(tenant);
    } finally {
      cloud?.child.signal("SIGCONT");
    }
  });

  it("is missed by nobody: without it nothing is started, and with a deaf one the work goes on", async function () {
    this.timeout(60_000);
    const marker = folder.file("called");
    const stub = folder.file("systemd-notify");
    await writeFile(stub, `#!/bin/sh\necho "$@" >> '${marker}'\nexit 1\n`);
    await chmod(stub, 0o755);
    const run = async (env: NodeJS.ProcessEnv): Promise<string> => {
      const path = { PATH: `${folder.path}:${process.env["PATH"] ?? ""}`, ...WATCHDOG };
      const args = ["cloud", "run", "--listen", "127.0.0.1:0", "--json"];
      await using cloud = await startCli(args, { home: folder.file("cloud"), env: { ...path, ...env } });
      await cloud.waitForEvent("ready");
      await stopCli(cloud);
      return cloud.child.tail();
    };
    expect(await run({ NOTIFY_SOCKET: "" })).not.to.contain("service manager");
    expect(await stat(marker).catch(() => undefined)).to.equal(undefined);
    const log = await run({ NOTIFY_SOCKET: "/run/nobody-listens" });
    expect((await stat(marker)).size).to.be.above(0);
    expect(log.split("the service manager cannot be told").length).to.equal(2, log);
  });
});
