import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

import { expect } from "chai";

import { rdpKindAt } from "../../../scripts/demo/desktop/rdp-kind.ts";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { confirmBytes, LEGACY_CONFIRM, RDP_NEG_FAILURE, RDP_NEG_RSP } from "../../support/rdp-bytes.ts";

/** Runs a server on loopback that treats every connection like this, and asks it. */
async function kindOf(onRequest: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => onRequest(socket));
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  try {
    return await rdpKindAt((server.address() as AddressInfo).port, 200);
  } finally {
    server.close();
    await once(server, "close");
  }
}

describe("the question what kind of RDP server is there", () => {
  it("knows one that takes TLS, one that insists on NLA, and one that only knows RDP's own security", async () => {
    expect(await kindOf((socket) => socket.end(confirmBytes(RDP_NEG_RSP, 1)))).to.equal("tls");
    expect(await kindOf((socket) => socket.end(confirmBytes(RDP_NEG_FAILURE, 5)))).to.equal("nla");
    expect(await kindOf((socket) => socket.end(confirmBytes(RDP_NEG_FAILURE, 2)))).to.equal("rdp");
    expect(await kindOf((socket) => socket.end(LEGACY_CONFIRM))).to.equal("rdp");
  });

  it("takes silence, a hang-up, other protocols and nobody for no RDP server", async () => {
    expect(await kindOf(() => undefined)).to.equal("none");
    expect(await kindOf((socket) => socket.destroy())).to.equal("none");
    expect(await kindOf((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))).to.equal("none");
    expect(await rdpKindAt(await freePort())).to.equal("none");
  });
});
