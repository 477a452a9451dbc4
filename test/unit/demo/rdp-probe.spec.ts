import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

import { expect } from "chai";

import { probeRdpServer } from "../../../scripts/demo/desktop/rdp-probe.ts";
import { freePort } from "../../../scripts/demo/free-port.ts";

/** Runs a server on loopback that treats every connection like this, and asks it. */
async function probe(onRequest: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => onRequest(socket));
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  try {
    return await probeRdpServer((server.address() as AddressInfo).port, "127.0.0.1", 200);
  } finally {
    server.close();
    await once(server, "close");
  }
}

const confirm = (type: number, value: number): Buffer =>
  Buffer.from([3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, type, 0, 8, 0, value, 0, 0, 0]);

describe("the question whether an RDP server is there", () => {
  it("recognises one that takes TLS", async () => {
    expect(await probe((socket) => socket.end(confirm(2, 1)))).to.equal("tls");
  });

  it("recognises one that insists on NLA", async () => {
    expect(await probe((socket) => socket.end(confirm(3, 5)))).to.equal("nla");
  });

  it("recognises one that only knows RDP's own security", async () => {
    expect(await probe((socket) => socket.end(confirm(3, 2)))).to.equal("rdp");
    expect(await probe((socket) => socket.end(Buffer.from([3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 0, 0])))).to.equal("rdp");
  });

  it("reads an answer that comes in pieces", async () => {
    const answer = confirm(2, 1);
    const onRequest = (socket: Socket) => {
      socket.setNoDelay();
      socket.write(answer.subarray(0, 7), () => setImmediate(() => socket.write(answer.subarray(7))));
    };
    expect(await probe(onRequest)).to.equal("tls");
  });

  it("takes silence, a hang-up, other protocols and nobody for no RDP server", async () => {
    expect(await probe(() => undefined)).to.equal("none");
    expect(await probe((socket) => socket.destroy())).to.equal("none");
    expect(await probe((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))).to.equal("none");
    expect(await probeRdpServer(await freePort())).to.equal("none");
  });
});
