import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Readable } from "node:stream";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { findExecutable } from "../../../packages/console-cli/src/clients/find-executable.ts";
import { launch } from "../../../packages/console-cli/src/clients/launch.ts";
import type { ClientCommand } from "../../../packages/console-cli/src/clients/rdp-client.ts";
import { xfreerdp } from "../../../packages/console-cli/src/clients/xfreerdp.ts";

const nodeCommand = (program: string, endsWithItself = true): ClientCommand => ({
  file: process.execPath,
  args: ["-e", program],
  notes: [],
  endsWithItself,
});

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}

describe("launch", () => {
  it("passes on how the client ended", async () => {
    const { signal } = new AbortController();
    const running = await launch(nodeCommand("process.exit(7)"), { signal });
    expect(running.pid).to.be.greaterThan(0);
    expect(await running.exited).to.deep.equal({ code: 7, signal: null });
  });

  it("says plainly that a client cannot be started", async () => {
    const { signal } = new AbortController();
    const command = { file: "/nowhere/xfreerdp", args: [], notes: [], endsWithItself: true };
    const error: unknown = await launch(command, { signal }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "internal");
    expect((error as DrawbridgeError).message).to.match(/\/nowhere\/xfreerdp cannot be started/);
  });

  it("starts nothing once aborted", async () => {
    const error: unknown = await launch(nodeCommand(""), { signal: AbortSignal.abort() }).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "cancelled");
  });

  /** Runs a client that dials us once it is ready, and aborts it then. */
  async function abortWhenReady(onReady: string, endsWithItself = true) {
    const { server, port } = await listen();
    const controller = new AbortController();
    const ready = once(server, "connection");
    const program = `${onReady};require("net").connect(${port},"127.0.0.1").on("close",()=>process.exit(9)).resume()`;
    const running = await launch(nodeCommand(program, endsWithItself), { signal: controller.signal, killAfterMs: 50 });
    const [socket] = (await ready) as [Socket];
    controller.abort();
    return { running, socket, server };
  }

  it("ends the client with SIGTERM on abort", async () => {
    const { running, socket, server } = await abortWhenReady("");
    expect(await running.exited).to.deep.equal({ code: null, signal: "SIGTERM" });
    socket.destroy();
    await close(server);
  });

  it("kills a client that does not heed SIGTERM", async () => {
    const { running, socket, server } = await abortWhenReady('process.on("SIGTERM",()=>{})');
    expect(await running.exited).to.deep.equal({ code: null, signal: "SIGKILL" });
    socket.destroy();
    await close(server);
  });

  it("leaves a client alone that does not end with itself", async () => {
    const { running, socket, server } = await abortWhenReady("", false);
    socket.destroy();
    expect(await running.exited).to.deep.equal({ code: 9, signal: null });
    await close(server);
  });

  it("runs a client's output to standard error, so that standard output stays clean", async () => {
    const launchUrl = new URL("../../../packages/console-cli/src/clients/launch.ts", import.meta.url).href;
    const command = nodeCommand('console.log("from the client")');
    const program = `
      import { launch } from ${JSON.stringify(launchUrl)};
      const { exited } = await launch(${JSON.stringify(command)}, { signal: new AbortController().signal });
      await exited;
      console.log("ours");`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, "close");
    expect({ stdout, stderr }).to.deep.equal({ stdout: "ours\n", stderr: "from the client\n" });
  });
});

describe("a real xfreerdp", () => {
  let xvfb: ChildProcess | undefined;
  let variables: Record<string, string | undefined> = {};

  before(async function () {
    const environment = { platform: process.platform, variables: process.env };
    const server = await findExecutable(["Xvfb"], environment);
    const client = await findExecutable(["xfreerdp3", "xfreerdp"], environment);
    if (server === undefined || client === undefined) {
      this.test!.title += ` (skipped: ${server === undefined ? "Xvfb" : "xfreerdp"} is not installed)`;
      this.skip();
    }
    const args = ["-displayfd", "3", "-noreset", "-nolisten", "tcp", "-screen", "0", "800x600x24"];
    xvfb = spawn(server, args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const [number] = (await once(xvfb.stdio[3] as Readable, "data")) as [Buffer];
    variables = { ...process.env, DISPLAY: `:${number.toString().trim()}` };
  });

  after(async () => {
    if (!xvfb) return;
    const gone = once(xvfb, "exit");
    xvfb.kill();
    await gone;
  });

  it("says its version, dials the address it was given, and ends when the session does", async () => {
    const found = await xfreerdp.find({ platform: process.platform, variables });
    expect(found?.version).to.match(/^[23]\.\d+/);
    const { server, port } = await listen();
    const controller = new AbortController();
    const dialled = once(server, "connection");
    const target = { address: { host: "127.0.0.1", port }, user: "ada", extraArgs: ["/log-level:OFF"] };
    const running = await launch(found!.command(target), { signal: controller.signal, env: variables });
    const [socket] = (await dialled) as [Socket];
    controller.abort();
    const { code, signal } = await running.exited;
    expect(code !== 0 || signal !== null).to.be.true;
    socket.destroy();
    await close(server);
  });

  it("ends by itself with an error when the address refuses", async () => {
    const found = await xfreerdp.find({ platform: process.platform, variables });
    const { server, port } = await listen();
    await close(server);
    const target = { address: { host: "127.0.0.1", port }, user: "ada", extraArgs: ["/log-level:OFF"] };
    const running = await launch(found!.command(target), { signal: new AbortController().signal, env: variables });
    const { code, signal } = await running.exited;
    expect(signal).to.equal(null);
    expect(code).to.be.greaterThan(0);
  });
});
