import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { resolveSrv, ServiceRecords } from "@drawbridge/dataplane";
import { expect } from "chai";

const NAME = "_drawbridge._tcp.provider.example";

/** A name in wire form. Source: RFC 1035 section 3.1. */
const wireName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);

/** An SRV record for the question's name. Source: RFC 2782. */
function record(priority: number, weight: number, port: number, host: string): Buffer {
  const data = Buffer.concat([Buffer.alloc(6), wireName(host)]);
  [priority, weight, port].forEach((number, index) => data.writeUInt16BE(number, 2 * index));
  const head = Buffer.from([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([head, data]);
}

describe("looking a service up", () => {
  let server: Socket;
  let answers: Buffer[] | undefined;
  beforeEach(async () => {
    server = createSocket("udp4");
    server.on("message", (query, peer) => {
      if (answers === undefined) return;
      const head = Buffer.from(query.subarray(0, 12));
      head.writeUInt16BE(0x81_80, 2);
      head.writeUInt16BE(answers.length, 6);
      head.fill(0, 8, 12);
      const question = query.subarray(12, 12 + wireName(NAME).length + 4);
      server.send(Buffer.concat([head, question, ...answers]), peer.port, peer.address);
    });
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(async () => {
    server.close();
    await once(server, "close");
  });

  const lookUp = () => resolveSrv(NAME, [`127.0.0.1:${server.address().port}`]);

  it("takes its gateways from the name server's SRV records", async () => {
    answers = [record(10, 5, 443, "gate1.provider.example"), record(20, 0, 8443, "gate2.provider.example")];
    expect(await new ServiceRecords(lookUp).places(NAME)).to.deep.equal([
      { address: "gate1.provider.example:443", priority: 10, weight: 5 },
      { address: "gate2.provider.example:8443", priority: 20, weight: 0 },
    ]);
  });

  it("is over soon where the name server says nothing", async () => {
    answers = undefined;
    const startedAt = performance.now();
    expect(await new ServiceRecords(lookUp).places(NAME)).to.deep.equal([]);
    expect(performance.now() - startedAt).to.be.lessThan(6_000);
  });
});
