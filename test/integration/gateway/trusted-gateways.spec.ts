import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import {
  AddressRanges,
  CloudGateway,
  type DrawbridgeError,
  encodePreface,
  encodeProxyHeader,
  FrontDoor,
  Reach,
  type Refusal,
  Rendezvous,
} from "@drawbridge/dataplane";
import { openCloudHome } from "@drawbridge/control/cloud";
import { redeemInvite } from "@drawbridge/control/rpc";
import { expect } from "chai";
import { until } from "../../support/dataplane-rendezvous.ts";
import { closedOf } from "../../support/dataplane-sockets.ts";
import { CloudBench, TodaysFakeClock } from "../control/cloud-bench.ts";

const OVER = { code: "closed", message: "the test is over" } as const;
const SETTINGS = {
  trustedGateways: ["127.0.0.1"],
  limits: { anonymousPerAddress: 2, enrollmentsPerAddressPerMinute: 1 },
};

const headerOf = (host: string): Buffer =>
  encodeProxyHeader({ source: { host, port: 50_000 }, destination: { host: "192.0.2.1", port: 443 } });

describe("cloud redirector behind a trusted gateway", () => {
  let cloud: CloudBench;
  let clock: TodaysFakeClock;
  const sockets: Socket[] = [];
  const gateways: CloudGateway[] = [];

  beforeEach(async () => {
    clock = new TodaysFakeClock();
    cloud = await CloudBench.start(clock, SETTINGS);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const gateway of gateways.splice(0)) gateway.destroy(OVER);
    await cloud[Symbol.asyncDispose]();
  });

  async function dial(port: number, localAddress: string): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port, localAddress });
    sockets.push(socket);
    await once(socket, "connect");
    return socket.on("error", () => {});
  }

  /** An anonymous TLS connection of a client, passed on by the gateway. */
  async function anonymous(client: string): Promise<TLSSocket> {
    const socket = await dial(cloud.port, "127.0.0.1");
    socket.write(headerOf(client));
    const stream = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ["h2"] });
    sockets.push(stream);
    await once(stream, "secureConnect");
    return stream.on("error", () => {}).resume();
  }

  /** A gateway in front; its clients come from the address that it listens on. */
  async function gatewayOn(host: string): Promise<string> {
    const gateway = new CloudGateway({ clouds: [{ host: "127.0.0.1", port: cloud.port }] });
    gateways.push(gateway);
    const { port } = await gateway.listen({ host, port: 0 });
    return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  }

  it("limits connections by the client's address, and the gateway's own counts for nothing", async () => {
    const open = [await anonymous("203.0.113.7"), await anonymous("203.0.113.7")];
    await closedOf(await anonymous("203.0.113.7"));
    open.push(await anonymous("203.0.113.8"));
    expect(open.map((stream) => stream.destroyed)).to.deep.equal([false, false, false]);
    expect(cloud.logged("debug")).to.deep.equal(["closed a socket of 203.0.113.7: too many connections are open"]);
  });

  it("limits enrolments by the client's address, and writes it into the audit log", async () => {
    const [six, four] = [await gatewayOn("::1"), await gatewayOn("127.0.0.1")];
    const enrol = async (name: string, address: string): Promise<unknown> => {
      const code = { ...(await cloud.invite({ kind: "tenant", name, groups: [] })), addresses: [address] };
      return redeemInvite("tenant", code, new Reach()).catch((error: unknown) => (error as DrawbridgeError).code);
    };
    expect(await enrol("acme", six)).to.be.an("object");
    expect(await enrol("beta", six)).to.equal("limit-exceeded");
    expect(await enrol("gamma", four)).to.be.an("object");
    const records = await cloud.home.store.audit.read({});
    const sources = records.flatMap(({ event, detailsJson }) =>
      event === "enrolled" ? (JSON.parse(detailsJson) as { source: string }).source : [],
    );
    expect(sources[0]).to.match(/^\[::1\]:\d+$/);
    expect(sources[1]).to.match(/^127\.0\.0\.1:\d+$/);
  });

  it("PEERS security 14: refuses a PROXY header from elsewhere, and says once a minute what may be wrong", async () => {
    for (let count = 0; count < 3; count += 1) {
      const socket = await dial(cloud.port, "127.9.1.1");
      socket.write(Buffer.concat([headerOf("203.0.113.7"), Buffer.from("160301", "hex")]));
      await closedOf(socket);
      expect(socket.bytesRead).to.equal(0);
    }
    expect(cloud.logged("debug").filter((line) => line.includes("from no trusted gateway"))).to.have.length(3);
    expect(cloud.logged("warn")).to.have.length(1);
    expect(cloud.logged("warn")[0]).to.match(/^127\.9\.1\.1: refused a PROXY header.*trustedGateways/);
    clock.advance(60_000);
    const late = await dial(cloud.port, "127.9.1.2");
    late.write(headerOf("203.0.113.7"));
    await closedOf(late);
    expect(cloud.logged("warn")).to.have.length(2);
  });

  it("refuses a listed gateway that sends no header, and says so", async () => {
    const socket = await dial(cloud.port, "127.0.0.1");
    socket.write(Buffer.from("16030100020000", "hex"));
    await closedOf(socket);
    expect(cloud.logged("warn")[0]).to.match(/^127\.0\.0\.1: refused a trusted gateway's connection: no PROXY header/);
  });

  it("does not start with a gateway in its settings that is a name, and says which", async () => {
    const settings = { publicAddress: "127.0.0.1:1", listen: "127.0.0.1:0", trustedGateways: ["gateway.example"] };
    await writeFile(join(cloud.path, "settings.json"), JSON.stringify(settings));
    const error: unknown = await openCloudHome(cloud.path).catch((thrown: unknown) => thrown);
    expect(error).to.have.property("code", "home-invalid");
    expect(error).to.have.property("message").that.includes(`"gateway.example" is neither an IP address nor a range`);
  });

  it("has no line in its log for a gateway's checks, at the finest level too", async () => {
    const before = cloud.log.length;
    await closedOf((await dial(cloud.port, "127.0.0.1")).end());
    const gateway = new CloudGateway({
      clouds: [{ host: "127.0.0.1", port: cloud.port }],
      onHealth: ({ health }) => seen.push(health.kind),
    });
    const seen: string[] = [];
    gateways.push(gateway);
    await gateway.listen({ host: "127.0.0.1", port: 0 });
    await until(() => seen.length === 1);
    expect(seen).to.deep.equal(["up"]);
    expect(cloud.log.slice(before)).to.deep.equal([]);
  });

  it("limits waiting legs by the client's address", async () => {
    const refusals: Refusal[] = [];
    const rendezvous = new Rendezvous({ waitingPerAddress: 1, onRefused: (refusal) => refusals.push(refusal) });
    const accept = (socket: Socket): void => rendezvous.accept(socket);
    const door = new FrontDoor({ trustedGateways: new AddressRanges(["127.0.0.1"]), onTls: accept, onLeg: accept });
    const { port } = await door.listen({ host: "127.0.0.1", port: 0 });
    const arrive = async (client: string, linkId: string): Promise<Socket> => {
      const { remoteToken } = rendezvous.expect({ linkId, tenant: "acme" });
      const socket = await dial(port, "127.0.0.1");
      socket.write(Buffer.concat([headerOf(client), encodePreface(remoteToken)]));
      return socket;
    };
    await arrive("203.0.113.7", "l1");
    await until(() => rendezvous.stats().waitingLegs === 1);
    await closedOf(await arrive("203.0.113.7", "l2"));
    await arrive("203.0.113.8", "l3");
    await until(() => rendezvous.stats().waitingLegs === 2);
    expect(refusals.map(({ reason, address }) => `${reason.code} ${address}`)).to.deep.equal([
      "limit-exceeded 203.0.113.7",
    ]);
    rendezvous.destroy(OVER);
    await door.close();
  });
});
