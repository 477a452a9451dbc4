import {
  dialLeg,
  FrontDoor,
  encodePreface,
  Rendezvous,
  type Address,
  type FrontDoorOptions,
  type Refusal,
} from "@drawbridge/dataplane";
import { expect } from "chai";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, createServer, type Server, type TLSSocket } from "node:tls";
import { TestAuthority, type TestIdentity } from "../../support/certificates.ts";
import { closedOf, dialLoopback, LoopbackServer, readAll } from "../../support/dataplane-sockets.ts";
import { FakeClock } from "../../support/fake-clock.ts";

describe("front door", () => {
  let authority: TestAuthority;
  let identity: TestIdentity;
  let tls: Server;
  let rendezvous: Rendezvous;
  let door: FrontDoor;
  let address: Address;
  let clock: FakeClock;
  let handed: Socket[];
  const refusals: Refusal[] = [];
  const sockets: Socket[] = [];

  before(async () => {
    authority = await TestAuthority.create();
    identity = await authority.issue("drawbridge://test/cloud");
  });

  async function start(options: Partial<FrontDoorOptions> = {}): Promise<void> {
    door = new FrontDoor({
      onTls: (socket) => {
        handed.push(socket);
        tls.emit("connection", socket);
      },
      onLeg: (socket) => {
        handed.push(socket);
        rendezvous.accept(socket);
      },
      onRefused: (refusal) => refusals.push(refusal),
      clock,
      ...options,
    });
    address = await door.listen({ host: "127.0.0.1", port: 0 });
  }

  beforeEach(() => {
    clock = new FakeClock();
    handed = [];
    refusals.length = 0;
    rendezvous = new Rendezvous({ clock });
    tls = createServer({ key: identity.key, cert: identity.certificate, minVersion: "TLSv1.3" }, (socket) => {
      socket.on("error", () => {}).pipe(socket);
    });
  });

  afterEach(async () => {
    for (const socket of [...sockets.splice(0), ...handed]) socket.destroy();
    rendezvous.destroy({ code: "closed", message: "the test is over" });
    await door.close();
    while (clock.pending > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  async function dialRaw(): Promise<Socket> {
    const socket = await dialLoopback(address.port);
    sockets.push(socket);
    return socket;
  }

  async function encrypted(socket: Socket): Promise<TLSSocket> {
    const stream = connect({ socket, ca: authority.certificate, checkServerIdentity: () => undefined });
    stream.on("error", () => {});
    await once(stream, "secureConnect");
    return stream;
  }

  it("hands TLS to a TLS server and legs to the rendezvous, on one port", async () => {
    await start();
    const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
    const stream = await encrypted(await dialRaw());
    const [remote, tenant] = await Promise.all([
      dialLeg(address, link.remoteToken),
      dialLeg(address, link.tenantToken),
    ]);
    sockets.push(remote, tenant);
    remote.end("through the link");
    expect((await readAll(tenant)).toString()).to.equal("through the link");
    stream.end("through TLS");
    expect((await readAll(stream)).toString()).to.equal("through TLS");
  });

  it("loses no byte when the ClientHello comes in pieces", async () => {
    await start();
    const relay = await LoopbackServer.start();
    for (const size of [1, 5, 6, 100]) {
      const [client, toGateway] = [await dialLoopback(relay.address.port), await dialRaw()];
      const middle = await relay.next();
      sockets.push(client, middle);
      toGateway.setNoDelay(true).pipe(middle);
      middle.once("data", (hello: Buffer) => {
        toGateway.write(hello.subarray(0, size));
        // The rest only once the door has taken the first piece.
        const before = handed.length;
        const sendRest = (): void => {
          if (handed.length === before) return void setImmediate(sendRest);
          toGateway.write(hello.subarray(size));
          middle.pipe(toGateway);
        };
        sendRest();
      });
      middle.resume();
      const stream = await encrypted(client);
      stream.end("in pieces");
      expect((await readAll(stream)).toString()).to.equal("in pieces");
    }
    relay.close();
  });

  it("hands a preface over that comes byte by byte", async () => {
    await start();
    const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
    const tenant = await dialLeg(address, link.tenantToken);
    const remote = await dialRaw();
    remote.setNoDelay(true);
    sockets.push(tenant);
    for (const byte of Buffer.concat([encodePreface(link.remoteToken), Buffer.from("hi")])) {
      remote.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    remote.end();
    expect((await readAll(tenant)).toString()).to.equal("hi");
  });

  it("closes what is neither, and what says nothing in time", async () => {
    await start();
    const http = await dialRaw();
    http.write("GET / HTTP/1.1\r\n\r\n");
    await closedOf(http);
    const [silent, brief] = [await dialRaw(), await dialRaw()];
    await closedOf(brief.end());
    while (clock.pending < 1) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5000);
    await closedOf(silent);
    const codes = refusals.map(({ reason }) => reason.code);
    expect(codes).to.deep.equal(["protocol-violation", "closed", "handshake-timeout"]);
    expect(refusals.every((refusal) => refusal.address === "127.0.0.1")).to.equal(true);
    expect(handed).to.have.length(0);
  });

  it("caps the silent sockets of an address and serves it again as soon as there is room", async () => {
    await start({ maxSilentPerAddress: 2 });
    const silent = [await dialRaw(), await dialRaw()];
    await closedOf(await dialRaw());
    expect(refusals.map(({ reason }) => reason.code)).to.deep.equal(["limit-exceeded"]);
    clock.advance(5000);
    await Promise.all(silent.map(closedOf));
    const stream = await encrypted(await dialRaw());
    stream.end("room");
    expect((await readAll(stream)).toString()).to.equal("room");
  });

  it("closes the socket that has been silent longest when all places are taken, and serves who speaks", async () => {
    await start({ maxSilentSockets: 2 });
    const [oldest, younger] = [await dialRaw(), await dialRaw()];
    const stream = await encrypted(await dialRaw());
    await closedOf(oldest);
    stream.end("served");
    expect((await readAll(stream)).toString()).to.equal("served");
    expect(younger.destroyed).to.equal(false);
    younger.destroy();
  });

  it("survives connections that are reset at once", async () => {
    await start();
    for (let count = 0; count < 20; count += 1) (await dialRaw()).resetAndDestroy();
    const stream = await encrypted(await dialRaw());
    stream.end("alive");
    expect((await readAll(stream)).toString()).to.equal("alive");
  });

  it("frees the port when closed, and leaves handed-over sockets alone", async () => {
    await start();
    const silent = await dialRaw();
    const stream = await encrypted(await dialRaw());
    await door.close();
    await door.close();
    await closedOf(silent);
    const old = door;
    await start();
    await door.close();
    door = new FrontDoor({ onTls: () => {}, onLeg: () => {} });
    expect(await door.listen(address)).to.deep.equal(address);
    await old.close();
    stream.end("alive");
    expect((await readAll(stream)).toString()).to.equal("alive");
  });

  it("says that a port is in use", async () => {
    await start();
    const second = new FrontDoor({ onTls: () => {}, onLeg: () => {} });
    const error: unknown = await second.listen(address).catch((thrown: unknown) => thrown);
    expect(error).to.include({
      code: "address-in-use",
      message: `127.0.0.1:${address.port} is in use by another program`,
    });
    await second.close();
  });
});
