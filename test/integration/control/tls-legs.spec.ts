import { expect } from "chai";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { encodePreface, HandshakeToken, LEG_ALPN } from "@drawbridge/dataplane";
import { CloudBench } from "./cloud-bench.ts";

const PER_ADDRESS = 4;

describe("legs inside of TLS, at the cloud redirector", function () {
  this.timeout(20_000);
  let bench: CloudBench;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    bench = await CloudBench.start(undefined, {
      limits: { handshakesPerAddress: PER_ADDRESS, anonymousPerAddress: 1 },
      prefaceDeadline: "2s",
    });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await bench[Symbol.asyncDispose]();
  });

  function tls(ALPNProtocols?: string[]): TLSSocket {
    const options = { host: "127.0.0.1", port: bench.port, rejectUnauthorized: false };
    const socket = connect({ ...options, ...(ALPNProtocols && { ALPNProtocols }) });
    sockets.push(socket);
    return socket.on("error", () => {}).resume();
  }
  async function leg(): Promise<TLSSocket> {
    const socket = tls([LEG_ALPN]);
    await once(socket, "secureConnect");
    expect(socket.alpnProtocol).to.equal(LEG_ALPN);
    return socket;
  }
  const closed = (socket: Socket): Promise<unknown> =>
    new Promise((resolve) => (socket.closed ? resolve(undefined) : socket.once("close", resolve)));
  const reasons = (): string[] => bench.log.map(({ text }) => text);

  it("need a known token, and are closed without a word otherwise", async () => {
    const socket = await leg();
    const said: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => said.push(chunk)).write(encodePreface(HandshakeToken.generate()));
    await closed(socket);
    expect(said).to.deep.equal([]);
    expect(reasons().join("\n")).to.contain("the handshake token is not known");
  });

  it("have the preface's deadline", async () => {
    await closed(await leg());
    expect(reasons().join("\n")).to.contain("no complete preface came within 2000 ms");
  });

  it("are closed at anything but a preface", async () => {
    const socket = await leg();
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await closed(socket);
    expect(reasons().join("\n")).to.contain("does not start with a preface");
  });

  it("count as handshakes until their preface has come, and not as connections without a certificate", async () => {
    const legs = await Promise.all(Array.from({ length: PER_ADDRESS }, leg));
    const surplus = tls([LEG_ALPN]);
    await closed(surplus);
    expect(reasons().join("\n")).to.contain("too many handshakes are under way");
    expect(legs.some((one) => one.destroyed)).to.equal(false);
    await Promise.all(legs.map(closed));
    await leg();
  });

  it("are one of two protocols: who names another, or none, is closed", async () => {
    for (const protocols of [undefined, ["http/1.1"]]) {
      const socket = tls(protocols);
      await closed(socket);
    }
    expect(reasons().join("\n")).to.contain("it did not say which protocol it speaks");
  });
});
