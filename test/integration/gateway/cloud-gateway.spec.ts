import { once } from "node:events";
import { connect } from "node:net";
import { encodeProxyHeader } from "@drawbridge/dataplane";
import { expect } from "chai";
import { until } from "../../support/dataplane-rendezvous.ts";
import { closedOf, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { CLIENT, GatewayBench, OVER, PREFACE } from "./gateway-bench.ts";

describe("cloud gateway", () => {
  let bench: GatewayBench;

  beforeEach(() => {
    bench = new GatewayBench();
  });
  afterEach(() => bench.stop());

  it("passes bytes both ways and each end on its own, and tells the client's address", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    const client = await bench.dialFrom();
    client.write(Buffer.concat([PREFACE, Buffer.from("there")]));
    const arrived = await stub.next();
    expect(arrived.kind).to.equal("leg");
    expect(arrived.client).to.deep.equal({ host: CLIENT, port: client.localPort });
    client.end();
    expect(await readAll(arrived.socket)).to.deep.equal(Buffer.concat([PREFACE, Buffer.from("there")]));
    arrived.socket.end("and back, after the end of the other direction");
    expect((await readAll(client)).toString()).to.equal("and back, after the end of the other direction");
    await until(() => bench.gateway.stats().connections === 0);
    await until(() => stub.open === 0);
  });

  it("tells an IPv4 client's address as one, also where it listens on all addresses", async () => {
    const stub = await bench.cloud();
    await bench.start([stub], {}, "");
    const client = await bench.dialFrom();
    client.write(PREFACE);
    expect((await stub.next()).client).to.deep.equal({ host: CLIENT, port: client.localPort });
  });

  it("passes TLS on untouched", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    const hello = Buffer.from("1603010005010000010000", "hex");
    (await bench.dialFrom()).write(hello);
    const { kind, socket } = await stub.next();
    expect(kind).to.equal("tls");
    expect(await readBytes(socket, hello.length)).to.deep.equal(hello);
  });

  it("passes a preface on wherever it is cut, and waits for no more of it than its magic", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    for (let cut = 1; cut < PREFACE.length; cut += 1) {
      const client = await bench.dialFrom();
      await new Promise((resolve) => client.write(PREFACE.subarray(0, cut), resolve));
      await new Promise((resolve) => setImmediate(resolve));
      const early = cut >= 4 ? await stub.next() : undefined;
      client.write(PREFACE.subarray(cut));
      const { socket } = early ?? (await stub.next());
      expect(await readBytes(socket, PREFACE.length)).to.deep.equal(PREFACE);
      client.destroy();
    }
  });

  it("carries 8 MiB unaltered past a client that does not read for a while", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    const { client, arrived } = await bench.leg(stub);
    const data = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef");
    client.pause();
    arrived.end(data);
    await new Promise((resolve) => setImmediate(resolve));
    expect(arrived.writableLength, "what the gateway has not taken").to.be.above(0);
    client.end();
    expect((await readAll(client)).equals(data)).to.equal(true);
  });

  it("lets a cut-off on one side be seen as a cut-off on the other", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    const { client, arrived } = await bench.leg(stub);
    const failed = once(client, "error") as Promise<[NodeJS.ErrnoException]>;
    client.resume();
    arrived.resetAndDestroy();
    expect((await failed)[0].code).to.equal("ECONNRESET");
  });

  it("PEERS security 14: refuses a client that sends a PROXY header itself", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    const lie = { source: { host: "10.0.0.1", port: 1 }, destination: { host: "10.0.0.2", port: 443 } };
    const client = await bench.dialFrom();
    client.write(Buffer.concat([encodeProxyHeader(lie), PREFACE]));
    await closedOf(client);
    expect(bench.refusalCodes).to.deep.equal(["protocol-violation"]);
    // One behind a preface is the leg's own bytes: the cloud redirector believes only the gateway's, which comes first.
    const other = await bench.dialFrom();
    other.write(Buffer.concat([PREFACE, encodeProxyHeader(lie)]));
    expect((await stub.next()).client).to.deep.equal({ host: CLIENT, port: other.localPort });
  });

  it("closes what is neither TLS nor a preface, and what says nothing in time, without a dial", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    for (const bytes of ["GET / HTTP/1.1\r\n", "DBR2", "SSH-2.0-x\r\n"]) {
      const client = await bench.dialFrom();
      client.write(bytes);
      await closedOf(client);
    }
    const silent = await bench.dialFrom();
    const slow = await bench.dialFrom();
    slow.write("DBR");
    await until(() => bench.gateway.stats().silentSockets === 2);
    bench.clock.advance(5000);
    await Promise.all([closedOf(silent), closedOf(slow)]);
    const codes = bench.refusalCodes;
    expect(codes.filter((code) => code === "protocol-violation")).to.have.length(3);
    expect(codes.filter((code) => code === "handshake-timeout")).to.have.length(2);
    expect(bench.gateway.stats()).to.deep.equal({ silentSockets: 0, connections: 0, refusedTotal: 5 });
  });

  it("limits silent sockets and open connections, in all and by address, and frees a place when one ends", async () => {
    const stub = await bench.cloud();
    await bench.start([stub], {
      limits: { silentSockets: 3, silentSocketsPerAddress: 2, connections: 2, connectionsPerAddress: 1 },
    });
    const silent = [await bench.dialFrom(), await bench.dialFrom()];
    await closedOf(await bench.dialFrom());
    expect(bench.refusals.at(-1)?.reason.message).to.include("have not sent a preface yet");
    for (const socket of silent) socket.destroy();
    await until(() => bench.gateway.stats().silentSockets === 0);

    const first = await bench.leg(stub);
    const surplus = await bench.dialFrom();
    surplus.write(PREFACE);
    await closedOf(surplus);
    expect(bench.refusals.at(-1)?.reason.message).to.equal(`1 connections from ${CLIENT} are open`);
    await bench.leg(stub, "127.9.1.2");
    const third = await bench.dialFrom("127.9.1.3");
    third.write(PREFACE);
    await closedOf(third);
    expect(bench.refusals.at(-1)?.reason.message).to.equal("2 connections are open, which is the gateway's limit");
    first.client.resetAndDestroy();
    await until(() => bench.gateway.stats().connections === 1);
    await bench.leg(stub);
  });

  it("drains: takes no new connections, lets open ones end, and is closed with the last", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    const [{ client, arrived }, silent] = [await bench.leg(stub), await bench.dialFrom()];
    const drained = bench.gateway.drain(60_000);
    await closedOf(silent);
    const refused = connect(bench.address.port, bench.address.host);
    expect(((await once(refused, "error")) as [NodeJS.ErrnoException])[0].code).to.equal("ECONNREFUSED");
    client.end("the last words");
    expect((await readAll(arrived)).toString()).to.equal("the last words");
    arrived.end("heard");
    expect((await readAll(client)).toString()).to.equal("heard");
    expect(await drained).to.include({ code: "shutting-down" });
    expect(bench.clock.pending, "timers").to.equal(0);
  });

  it("ends what is still open when the drain's time is over, as a cut-off", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    const { client, arrived } = await bench.leg(stub);
    const failed = once(client.resume(), "error") as Promise<[NodeJS.ErrnoException]>;
    const drained = bench.gateway.drain(60_000);
    bench.clock.advance(59_999);
    client.write("x");
    await readBytes(arrived, 1);
    bench.clock.advance(1);
    await drained;
    expect((await failed)[0].code).to.equal("ECONNRESET");
    expect(bench.gateway.drain(1)).to.equal(bench.gateway.closed);
  });

  it("is closed at once when it drains with nothing open, and when it is destroyed while it dials", async () => {
    const stub = await bench.cloud();
    await bench.start([stub]);
    expect(await bench.gateway.drain(60_000)).to.include({ code: "shutting-down" });
    await bench.start([stub]);
    const client = await bench.dialFrom();
    client.write(PREFACE);
    await until(() => bench.gateway.stats().connections === 1);
    bench.gateway.destroy(OVER);
    await closedOf(client);
    expect(await bench.gateway.closed).to.deep.equal(OVER);
  });
});
