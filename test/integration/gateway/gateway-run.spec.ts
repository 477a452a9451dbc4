import { once } from "node:events";
import type { Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { parseAddress } from "@drawbridge/dataplane";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { type Chain, type ListeningSession, openSession, startChain, stopChain } from "../../support/chain.ts";
import { expectCli, stopCli } from "../../support/cli.ts";
import { dialLoopback, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { expectBulkUnaltered } from "../cli/bulk.ts";
import { TargetServer } from "../cli/target-server.ts";
import { Flood } from "../security/flood.ts";
import { type GatewayProcess, startGateway } from "./gateway-process.ts";

const MB = 1024 * 1024;
/** Nobody listens there. */
const DEAD = "127.0.0.1:1";

describe("drawbridge gateway run", function () {
  this.timeout(90_000);
  let chain: Chain;
  let target: TargetServer;
  let gateway: GatewayProcess;
  let onAccepted: (socket: Socket) => void = () => {};

  before(async () => {
    target = await TargetServer.start((socket) => onAccepted(socket));
    chain = await startChain([target.named("rdp")], {
      publicFront: async (cloud) => {
        gateway = await startGateway([`${DEAD},${cloud}`]);
        return gateway.address;
      },
      cloudSettings: { trustedGateways: ["127.0.0.1"] },
    });
  });
  after(async () => {
    await stopChain(chain);
    await stopCli(gateway.process);
    await target[Symbol.asyncDispose]();
  });

  /** Both ends of a new link. */
  async function link(session: ListeningSession): Promise<{ near: Socket; far: Socket }> {
    const accepted = new Promise<Socket>((resolve) => (onAccepted = resolve));
    const near = await dialLoopback(session.port);
    return { near, far: await accepted };
  }

  async function roundTrip({ near, far }: { near: Socket; far: Socket }): Promise<void> {
    near.write("there");
    expect((await readBytes(far, 5)).toString()).to.equal("there");
    far.write("back!");
    expect((await readBytes(near, 5)).toString()).to.equal("back!");
  }

  /** A TLS connection to the cloud redirector through a gateway. */
  async function handshake(address: string): Promise<TLSSocket> {
    const socket = connectTls({ ...parseAddress(address), rejectUnauthorized: false, ALPNProtocols: ["h2"] });
    await once(socket, "secureConnect");
    return socket.on("error", () => {});
  }

  /** Starts a gateway where the last one was, and waits until the tenant is back. */
  async function restartGateway(args: readonly string[] = []): Promise<void> {
    gateway = await startGateway([chain.address], { listen: gateway.address, args });
    await until(async () => ((await onlineSince()) === undefined ? undefined : true), { what: "the tenant's return" });
  }

  async function onlineSince(): Promise<unknown> {
    const { events } = await chain.operator(["tenants", "--json"]);
    return events.find((row) => row["state"] === "online")?.["since"];
  }

  it("says that it is ready, and which of its cloud redirectors is up", async () => {
    const ready = await gateway.process.waitForEvent("ready");
    expect(ready).to.deep.include({ address: gateway.address, clouds: [DEAD, chain.address] });
    expect(await gateway.process.waitForEvent("cloud-down")).to.include({ cloud: DEAD, code: "dial-failed" });
    expect(await gateway.process.waitForEvent("cloud-up")).to.include({ cloud: chain.address });
  });

  it("carries a session: bytes both ways unaltered, each end on its own", async () => {
    await using session = await openSession(chain);
    const { near, far } = await link(session);
    await expectBulkUnaltered(near, far, 16 * MB);

    const second = await link(session);
    second.near.end("question");
    expect((await readAll(second.far)).toString()).to.equal("question");
    second.far.end("answer");
    expect((await readAll(second.near)).toString()).to.equal("answer");
    await stopCli(session.process);
  });

  it("shows the clients' own addresses in lists and in the audit log, not the gateway's", async () => {
    await using session = await openSession(chain);
    const own = /^\[::1\]:\d+$/;
    const tenants = await chain.operator(["tenants", "--json"]);
    expect(tenants.events.find((row) => row["name"] === "acme")?.["sourceAddress"]).to.match(own);
    const sessions = await chain.operator(["sessions", "--json"]);
    expect(sessions.events[0]?.["sourceAddress"]).to.match(own);
    await stopCli(session.process);
    const { stdout } = await chain.cloud(["audit", "export"]);
    const sources = [...stdout.matchAll(/"source\\?":\\?"([^"\\]+)/g)].map(([, source = ""]) => source);
    expect(sources).to.have.length.at.least(4);
    for (const source of sources) expect(source).to.match(own);
  });

  it("has no token and nothing else of what passes through it in its log", async () => {
    await using session = await openSession(chain);
    await roundTrip(await link(session));
    await stopCli(session.process);
    expect(gateway.process.child.tail()).to.not.match(/[A-Za-z0-9+/_-]{40,}|[0-9a-f]{32,}/);
  });

  it("PEERS security 1: a flood of silent and half-open connections keeps nobody out", async () => {
    const other = await startGateway([chain.address], { listen: "127.0.0.1:0" });
    const { port } = parseAddress(other.address);
    for (const kind of ["silent", "half a handshake"] as const) {
      const flood = await Flood.open(port, 1500, kind);
      (await handshake(other.address)).destroy();
      await flood.close();
    }
    await stopCli(other.process);
  });

  it("killed, takes only its own connections", async () => {
    const other = await startGateway([chain.address]);
    const [since, through] = [await onlineSince(), await handshake(other.address)];
    await using session = await openSession(chain);
    const open = await link(session);
    await roundTrip(open);
    other.process.child.signal("SIGKILL");
    await once(through.resume(), "close");
    await roundTrip(open);
    expect(await onlineSince()).to.equal(since);
    await stopCli(session.process);
  });

  it("drains on SIGTERM: an open link goes on, nobody gets in, and a second SIGTERM ends it with code 5", async () => {
    await using session = await openSession(chain);
    const open = await link(session);
    await roundTrip(open);
    const { process } = gateway;
    process.child.signal("SIGTERM");
    await until(() => /takes no new connections/.test(process.child.tail()) || undefined, { what: "the drain" });
    await expectCli(["tenants", "--json"], { home: chain.operatorHome }, 4);
    await roundTrip(open);
    // Sooner, it would pass for the first one's echo.
    await until(() => (process.child.signal("SIGTERM") ? undefined : true), { what: "the end", intervalMs: 600 });
    expect(await process.child.exited).to.deep.equal({ code: 5, signal: null });
    open.near.destroy();
    open.far.destroy();
    await restartGateway(["--drain", "1s"]);
  });

  it("ends with code 0 when the drain's time is over, and what was open is cut off", async () => {
    await using session = await openSession(chain);
    const open = await link(session);
    await roundTrip(open);
    const failed = once(open.near.resume(), "error") as Promise<[NodeJS.ErrnoException]>;
    await stopCli(gateway.process);
    expect((await failed)[0].code).to.equal("ECONNRESET");
    await restartGateway();
  });
});
