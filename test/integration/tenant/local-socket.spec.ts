import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";

import { findLocalAddress, prepareLocalAddress } from "../../../packages/control/src/tenant/local/local-address.ts";
import { askLocal, watchLocal } from "../../../packages/control/src/tenant/local/local-client.ts";
import type { LocalHandler } from "../../../packages/control/src/tenant/local/local-server.ts";
import { LocalServer } from "../../../packages/control/src/tenant/local/local-server.ts";
import { requestView } from "../../../packages/control/src/tenant/local/views.ts";
import { NOBODY_UID, otherUserIt } from "../../support/other-user.ts";
import { offer } from "../../unit/tenant/offer.ts";

const run = promisify(execFile);
const REQUEST = requestView({ offer: offer("s-1"), plain: false, askedAt: 0, leftMs: 1 });
const signal = new AbortController().signal;

describe("a tenant's local socket", () => {
  let home: string;
  let servers: LocalServer[];
  let sockets: Socket[];

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "drawbridge-home-"));
    [servers, sockets] = [[], []];
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) await server.close();
    await rm(home, { recursive: true });
  });

  async function serve(handler: Partial<LocalHandler> = {}): Promise<LocalServer> {
    const server = new LocalServer({
      answer: async () => ({ answer: "requests", requests: [REQUEST] }),
      requests: () => [],
      ...handler,
    });
    servers.push(server);
    await server.start(await prepareLocalAddress(home));
    return server;
  }

  async function dial(): Promise<Socket> {
    const socket = connect((await findLocalAddress(home))!);
    sockets.push(socket);
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  /** What the server says to raw bytes, until it hangs up. */
  async function say(text: string): Promise<string> {
    const socket = await dial();
    socket.write(text);
    let said = "";
    for await (const chunk of socket) said += String(chunk);
    return said;
  }

  const asked = () => askLocal(home, { call: "requests" }, "requests", signal);
  const code = (asking: Promise<unknown>): Promise<string | undefined> =>
    asking.then(
      () => undefined,
      (error: unknown) => (error instanceof DrawbridgeError ? error.code : String(error)),
    );

  it("answers its owner, and is for nobody else", async () => {
    await serve();
    expect((await asked()).requests).to.deep.equal([REQUEST]);
    expect((await lstat(join(home, "local.sock"))).mode & 0o777).to.equal(0o600);
  });

  otherUserIt("cannot be opened by another user, whatever the directory's mode", async () => {
    await serve();
    await chmod(home, 0o777);
    const script = `require("node:net").connect(process.argv[1]).on("error", ({ code }) => console.log(code))`;
    const nobody = { uid: NOBODY_UID, gid: NOBODY_UID, cwd: "/", env: {} };
    const { stdout } = await run(process.execPath, ["-e", script, join(home, "local.sock")], nobody);
    expect(stdout.trim()).to.equal("EACCES");
  });

  it("is not made in a directory that others may enter", async () => {
    await chmod(home, 0o750);
    expect(await code(serve())).to.equal("home-invalid");
  });

  it("replaces the socket that a killed process left behind", async () => {
    await writeFile(join(home, "local.sock"), "");
    expect(await code(asked())).to.equal("unavailable");
    await serve();
    expect((await asked()).requests).to.have.length(1);
  });

  it("stands elsewhere, in a directory of its own, where the home's path is too long", async () => {
    const outer = home;
    home = join(outer, "x".repeat(60), "y".repeat(60));
    await mkdir(home, { recursive: true, mode: 0o700 });
    expect(await code(asked())).to.equal("unavailable");
    await serve();
    expect((await asked()).requests).to.have.length(1);
    const directory = await readFile(join(home, "local-socket"), "utf8");
    expect((await lstat(directory)).mode & 0o777).to.equal(0o700);
    expect(await prepareLocalAddress(home)).to.equal(join(directory, "local.sock"));
    // As after somebody cleaned the temporary directory and another took the name.
    await chmod(directory, 0o755);
    expect(await code(asked())).to.equal("home-invalid");
    expect(dirname(await prepareLocalAddress(home))).to.not.equal(directory);
    const fresh = await readFile(join(home, "local-socket"), "utf8");
    await servers.pop()?.close();
    for (const each of [directory, fresh]) await rm(each, { recursive: true });
    home = outer;
  });

  it("tells those who watch of each change, until they leave", async () => {
    let requests = [REQUEST];
    const server = await serve({ requests: () => requests });
    const watching = watchLocal(home, signal);
    expect((await watching.next()).value).to.deep.include({ requests: [REQUEST] });
    requests = [];
    server.requestsChanged();
    expect((await watching.next()).value).to.deep.include({ requests: [] });
    await watching.return();
  });

  it("says why it cannot do what is asked", async () => {
    await serve({ answer: () => Promise.reject(new DrawbridgeError("session-not-found", "no request s-1")) });
    expect(await code(asked())).to.equal("session-not-found");
  });

  for (const [what, text] of [
    ["no JSON", "hello\n"],
    ["another version", '{"v":2,"call":"status"}\n'],
    ["an unknown call", '{"v":1,"call":"allow-all"}\n'],
    ["more than a call needs", '{"v":1,"call":"status","id":"s-1"}\n'],
    ["a line without end", "x".repeat(20_000)],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await serve({ answer: () => Promise.reject(new Error("must not be asked")) });
      expect(JSON.parse(await say(text))).to.include({ answer: "error", code: "protocol-violation" });
    });
  }

  it("is bounded in connections, and serves again when one leaves", async () => {
    await serve();
    const silent = await Promise.all(Array.from({ length: 32 }, dial));
    expect(await code(asked())).to.equal("closed");
    const left = once(silent[0]!, "close");
    silent[0]!.destroy();
    await left;
    while ((await code(asked())) === "closed");
    expect((await asked()).requests).to.have.length(1);
  });
});
