import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  AddressRanges,
  encodeProxyHeader,
  FrontDoor,
  type FrontDoorOptions,
  peerAddress,
  type Refusal,
} from "@drawbridge/dataplane";
import { expect } from "chai";
import { closedOf, readBytes } from "../../support/dataplane-sockets.ts";
import { until } from "../../support/dataplane-rendezvous.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const GATEWAY = "127.0.0.1";
const STRANGER = "127.9.1.1";
const CLIENT = { host: "203.0.113.7", port: 50_000 };
const STREAM = Buffer.from("DBR1 and what follows");
const TLS_START = Buffer.from("1603010200", "hex");

const headerFor = (source = CLIENT): Buffer =>
  encodeProxyHeader({ source, destination: { host: source.host.includes(":") ? "::1" : "192.0.2.1", port: 443 } });

describe("front door that trusts a gateway", () => {
  let door: FrontDoor;
  let port: number;
  let clock: FakeClock;
  let handed: { kind: "tls" | "leg"; socket: Socket }[];
  let refusals: Refusal[];
  const sockets: Socket[] = [];

  async function start(options: Partial<FrontDoorOptions> = {}): Promise<void> {
    door = new FrontDoor({
      trustedGateways: new AddressRanges([`${GATEWAY}/32`]),
      onTls: (socket) => handed.push({ kind: "tls", socket: socket.on("error", () => {}) }),
      onLeg: (socket) => handed.push({ kind: "leg", socket: socket.on("error", () => {}) }),
      onRefused: (refusal) => refusals.push(refusal),
      clock,
      ...options,
    });
    port = (await door.listen({ host: "127.0.0.1", port: 0 })).port;
  }

  beforeEach(() => {
    clock = new FakeClock();
    handed = [];
    refusals = [];
  });

  afterEach(async () => {
    for (const socket of [...sockets.splice(0), ...handed.map((entry) => entry.socket)]) socket.destroy();
    await door.close();
    await until(() => clock.pending === 0);
  });

  async function dialFrom(localAddress: string): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port, localAddress, allowHalfOpen: true, noDelay: true });
    sockets.push(socket);
    await once(socket, "connect");
    return socket.on("error", () => {});
  }

  /** Sends in pieces, each only once the one before has arrived. */
  async function sendInPieces(socket: Socket, ...pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) {
      await new Promise((resolve) => socket.write(piece, resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function nextHanded(before: number): Promise<{ kind: "tls" | "leg"; socket: Socket }> {
    await until(() => handed.length > before);
    const entry = handed[before];
    if (entry === undefined) throw new Error("nothing was handed over");
    return entry;
  }

  it("takes the client's address from the header, and what follows in the same segment for the stream", async () => {
    await start();
    (await dialFrom(GATEWAY)).write(Buffer.concat([headerFor(), STREAM]));
    const { kind, socket } = await nextHanded(0);
    expect(kind).to.equal("leg");
    expect(peerAddress(socket)).to.deep.equal(CLIENT);
    expect(await readBytes(socket, STREAM.length)).to.deep.equal(STREAM);
  });

  it("comes to the same wherever header and preface are cut", async () => {
    await start();
    const whole = Buffer.concat([headerFor({ host: "2001:db8::7", port: 1 }), STREAM]);
    for (let cut = 1; cut < whole.length; cut += 1) {
      await sendInPieces(await dialFrom(GATEWAY), whole.subarray(0, cut), whole.subarray(cut));
      const { kind, socket } = await nextHanded(cut - 1);
      expect(kind).to.equal("leg");
      expect(peerAddress(socket)).to.deep.equal({ host: "2001:db8::7", port: 1 });
      expect(await readBytes(socket, STREAM.length)).to.deep.equal(STREAM);
    }
    const byBytes = [...whole].map((byte) => Buffer.of(byte));
    await sendInPieces(await dialFrom(GATEWAY), ...byBytes);
    const { socket } = await nextHanded(whole.length - 1);
    expect(await readBytes(socket, STREAM.length)).to.deep.equal(STREAM);
    expect(refusals).to.deep.equal([]);
  });

  it("keeps the gateway's own address where the header names no client", async () => {
    await start();
    const unknown = { source: CLIENT, destination: { host: "2001:db8::1", port: 443 } };
    for (const [index, header] of [encodeProxyHeader(), encodeProxyHeader(unknown)].entries()) {
      (await dialFrom(GATEWAY)).write(Buffer.concat([header, TLS_START]));
      const { kind, socket } = await nextHanded(index);
      expect(kind).to.equal("tls");
      expect(peerAddress(socket).host).to.equal(GATEWAY);
    }
  });

  it("PEERS security 14: refuses a PROXY header from everybody else, and names the reason", async () => {
    await start();
    for (const header of [headerFor(), Buffer.from("PROXY TCP4 203.0.113.7 192.0.2.1 50000 443\r\n")]) {
      const socket = await dialFrom(STRANGER);
      socket.write(Buffer.concat([header, STREAM]));
      await closedOf(socket);
    }
    expect(handed).to.deep.equal([]);
    expect(refusals.map(({ address, misfit }) => ({ address, misfit }))).to.deep.equal([
      { address: STRANGER, misfit: "unlisted-gateway" },
      { address: STRANGER, misfit: undefined },
    ]);
  });

  it("refuses a gateway that sends no header, a broken one, or a client's bytes that are neither", async () => {
    await start();
    const broken = headerFor();
    broken[12] = 0x11;
    for (const bytes of [STREAM, TLS_START, broken, Buffer.concat([headerFor(), Buffer.from("GET / HTTP/1.1\r\n")])]) {
      const socket = await dialFrom(GATEWAY);
      socket.write(bytes);
      await closedOf(socket);
    }
    expect(handed).to.deep.equal([]);
    expect(refusals.map(({ misfit }) => misfit)).to.deep.equal([
      "header-missing",
      "header-missing",
      "header-missing",
      undefined,
    ]);
    expect(refusals.at(-1)?.address, "the client's own address").to.equal(CLIENT.host);
  });

  it("a header inside of a header's stream is the client's, and refused", async () => {
    await start();
    const socket = await dialFrom(GATEWAY);
    socket.write(Buffer.concat([headerFor(), headerFor({ host: "198.51.100.1", port: 1 }), STREAM]));
    await closedOf(socket);
    expect(refusals.map(({ address, misfit }) => ({ address, misfit }))).to.deep.equal([
      { address: CLIENT.host, misfit: "unlisted-gateway" },
    ]);
  });

  it("has no word for a gateway that only looks whether the port is open", async () => {
    await start();
    for (const bytes of [Buffer.alloc(0), encodeProxyHeader(), headerFor().subarray(0, 5)]) {
      await closedOf((await dialFrom(GATEWAY)).end(bytes));
    }
    (await dialFrom(GATEWAY)).resetAndDestroy();
    await until(() => door.silentSockets === 0);
    expect(refusals).to.deep.equal([]);
  });

  it("counts a header that has not come as silence, and gives both together one deadline", async () => {
    await start({ firstByteTimeoutMs: 5000 });
    const whole = headerFor();
    const [unfinished, silent] = [await dialFrom(GATEWAY), await dialFrom(GATEWAY)];
    await sendInPieces(unfinished, whole.subarray(0, 20));
    await sendInPieces(silent, whole);
    await until(() => clock.pending === 2);
    expect(door.silentSockets).to.equal(2);
    clock.advance(3000);
    await sendInPieces(unfinished, whole.subarray(20));
    clock.advance(2000);
    await Promise.all([closedOf(unfinished), closedOf(silent)]);
    expect(refusals.map(({ reason }) => reason.code)).to.deep.equal(["handshake-timeout", "handshake-timeout"]);
    expect(door.silentSockets).to.equal(0);
  });

  it("limits silent sockets by client, not by gateway", async () => {
    await start({ maxSilentPerAddress: 2 });
    const others = ["203.0.113.8", "203.0.113.9"].flatMap((host) => [
      headerFor({ host, port: 1 }),
      headerFor({ host, port: 2 }),
    ]);
    const headers = [...others, headerFor(), headerFor()];
    // Before their headers have come, all of them are the gateway's.
    const begun: Socket[] = [];
    while (begun.length < headers.length) begun.push(await dialFrom(GATEWAY));
    await until(() => door.silentSockets === headers.length);
    for (const [index, header] of headers.entries()) begun[index]?.write(header);
    const surplus = await dialFrom(GATEWAY);
    surplus.write(headerFor());
    await closedOf(surplus);
    expect(refusals.map(({ reason, address }) => ({ code: reason.code, address }))).to.deep.equal([
      { code: "limit-exceeded", address: CLIENT.host },
    ]);
    expect(door.silentSockets).to.equal(6);
  });

  it("lets the oldest make room when all places are taken, headers that have not come included", async () => {
    await start({ maxSilentSockets: 2 });
    const oldest = await dialFrom(GATEWAY);
    await dialFrom(GATEWAY);
    (await dialFrom(GATEWAY)).write(Buffer.concat([headerFor(), STREAM]));
    await nextHanded(0);
    await closedOf(oldest);
    expect(door.silentSockets).to.equal(1);
  });
});
