import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Socket } from "node:net";
import { loadIdentity } from "@drawbridge/control/identity";
import type { SessionOptions, TenantConnection } from "@drawbridge/control/remote";
import { connectTenant, openSession, OperatorAccess } from "@drawbridge/control/remote";
import type { DrawbridgeError } from "@drawbridge/dataplane";
import { nodeErrorCode, Reach } from "@drawbridge/dataplane";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { startChain, stopChain } from "../../support/chain.ts";
import type { Chain } from "../../support/chain.ts";
import { readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { thrown } from "../../unit/identity/thrown.ts";
import { TargetServer } from "../cli/target-server.ts";

/** Counts the legs that are dialled. */
class CountingReach extends Reach {
  legs = 0;

  override dialLeg(...how: Parameters<Reach["dialLeg"]>): ReturnType<Reach["dialLeg"]> {
    this.legs += 1;
    return super.dialLeg(...how);
  }
}

describe("connectTenant and openSession", () => {
  const resources = new AsyncDisposableStack();
  let chain: Chain;
  let onAccepted: (socket: Socket) => void = () => {};
  const accepted = (): Promise<Socket> => new Promise((resolve) => (onAccepted = resolve));
  const home = (): string => join(chain.operatorHome, "operator");
  const options = (): SessionOptions => ({ home: home(), tenant: chain.tenantName });

  before(async function () {
    this.timeout(60_000);
    const target = resources.use(await TargetServer.start((socket) => onAccepted(socket)));
    chain = await startChain([target.named("rdp"), "dead=127.0.0.1:9"]);
  });
  after(async function () {
    this.timeout(60_000);
    await resources.disposeAsync();
    await stopChain(chain);
  });

  it("give a stream whose two directions end each alone, and whose session ends with it", async () => {
    const far = accepted();
    const connection = await connectTenant(options());
    const socket = await far;
    connection.end("a question");
    expect((await readAll(socket)).toString()).to.equal("a question");
    socket.end("its answer");
    expect((await readAll(connection)).toString()).to.equal("its answer");
    expect(await connection.ended).to.deep.include({ toTenant: 10, toRemote: 10 });
    expect((await connection.ended).reason.code).to.equal("closed");
    expect((await connection.session.closed).reason.code).to.equal("closed");
  });

  it("destroy the stream of a session that is ended by others with the reason, and do not call it an end", async () => {
    const far = accepted();
    const connection = await connectTenant(options());
    (await far).write("a part");
    expect((await readBytes(connection, 6)).toString()).to.equal("a part");
    let ended = false;
    connection.once("end", () => (ended = true)).resume();
    const failed = once(connection, "error") as Promise<[DrawbridgeError]>;
    await chain.operator(["sessions", "end", connection.session.id]);
    const [{ code, message }] = await failed;
    expect((await connection.ended).reason).to.include({ code, message });
    expect(code).to.equal((await connection.session.closed).reason.code);
    expect(ended).to.equal(false);
  });

  it("tell a target that was cut off from one that has ended", async () => {
    const far = accepted();
    const connection = await connectTenant(options());
    const read = readAll(connection).then(
      () => "ended",
      () => "cut off",
    );
    connection.end();
    const socket = await far;
    socket.write("a part", () => socket.resetAndDestroy());
    expect(await read).to.equal("cut off");
    expect((await connection.session.closed).reason.code).to.equal("closed");
  });

  it("open many links in one session over a connection that several sessions share", async () => {
    await using access = await OperatorAccess.open({ home: home() });
    await using one = await openSession({ ...options(), access });
    await using two = await openSession({ ...options(), access });
    onAccepted = (socket) => void socket.pipe(socket);
    const links = await Promise.all([one, one, two].map((session) => session.openLink()));
    for (const [index, { stream }] of links.entries()) {
      stream.end(`link ${index}`);
      expect((await readAll(stream)).toString()).to.equal(`link ${index}`);
    }
    expect(one.id).not.to.equal(two.id);
    await one.stop();
    expect(one.counts()).to.deep.equal({ toTenant: 12, toRemote: 12 });
    expect((await thrown(() => one.openLink())).code).to.equal("closed");
    const { stream } = await two.openLink();
    stream.end();
    await readAll(stream);
  });

  it("make no more links than a program says that it opens: connectTenant one, and another ahead only when asked", async () => {
    const reach = new CountingReach();
    onAccepted = (socket) => void socket.pipe(socket);
    const exchange = async (links?: number): Promise<TenantConnection> => {
      const connection = await connectTenant({ ...options(), reach, links });
      connection.write("there and back");
      expect((await readBytes(connection, 14)).toString()).to.equal("there and back");
      return connection;
    };
    const over = async (connection: TenantConnection): Promise<number> => {
      connection.end();
      await readAll(connection);
      await connection.session.closed;
      return reach.legs;
    };
    // Of the first one a tenant redirector has yet to see that legs get through, and agrees to none ahead.
    expect(await over(await exchange())).to.equal(1);
    expect(await over(await exchange())).to.equal(2);
    const more = await exchange(2);
    await until(() => reach.legs === 4 || undefined, { what: "the leg of a link ahead" });
    expect(await over(more)).to.equal(4);
    expect(await over(await exchange())).to.equal(5);
  });

  it("end connection and session where `await using` ends, also in the middle", async () => {
    const far = accepted();
    const { socket, session } = await (async () => {
      await using connection = await connectTenant(options());
      connection.write("unfinished");
      const socket = await far;
      expect((await readBytes(socket, 10)).toString()).to.equal("unfinished");
      return { socket, session: connection.session };
    })();
    expect((await session.closed).reason.message).to.equal("the operator ended the session");
    expect(await readAll(socket).catch(nodeErrorCode)).to.equal("ECONNRESET");
  });

  it("fail with what refused them, and leave nothing open", async () => {
    const failed = async (changed: Partial<SessionOptions>) =>
      (await thrown(() => connectTenant({ ...options(), ...changed }))).code;
    expect(await failed({ target: "dead" })).to.equal("target-unreachable");
    expect(await failed({ target: "vnc" })).to.equal("target-not-found");
    expect(await failed({ tenant: "nobody" })).to.equal("tenant-not-found");
    expect(await failed({ home: join(home(), "nowhere") })).to.equal("home-missing");
    expect(await failed({ network: { proxy: "socks5://proxy:1" } })).to.equal("invalid-argument");
    expect(await failed({ signal: AbortSignal.abort() })).to.equal("cancelled");
    expect(await failed({ home: undefined })).to.equal("invalid-argument");
  });

  it("believe a tenant's first key only, as the console does, unless the program decides", async () => {
    const path = join(home(), "known_tenants.json");
    const known = await readFile(path, "utf8");
    await writeFile(path, known.replace(/"[0-9a-f]{64}"/, `"${"0".repeat(64)}"`));
    try {
      expect((await thrown(() => openSession(options()))).code).to.equal("certificate-invalid");
      const seen: string[] = [];
      const trustTenantKey = async (tenant: string, keyFingerprint: string): Promise<void> =>
        void seen.push(`${tenant} ${keyFingerprint}`);
      const identity = await loadIdentity(home(), "operator");
      await using session = await openSession({ identity, trustTenantKey, tenant: chain.tenantName });
      expect(session.target).to.equal("rdp");
      expect(seen).to.have.length(1);
      expect(known).to.contain(seen[0]?.split(" ")[1]);
    } finally {
      await writeFile(path, known);
    }
  });
});
