import { expect } from "chai";
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { CloudBench } from "./cloud-bench.ts";

describe("a TLS client that was at the cloud redirector before", () => {
  it("resumes no session: it has to show its certificate anew", async () => {
    await using bench = await CloudBench.start();
    const handshake = async (session?: Buffer): Promise<TLSSocket> => {
      const offered = { ALPNProtocols: ["h2"], rejectUnauthorized: false, ...(session && { session }) };
      const socket = connect({ host: "127.0.0.1", port: bench.port, ...offered }).resume();
      await once(socket, "secureConnect");
      return socket;
    };
    const first = await handshake();
    // In TLS 1.3 a session comes after the handshake, at the earliest with the first bytes of HTTP/2 (RFC 8446, section 4.6.1).
    const session = Promise.withResolvers<Buffer>();
    first.on("session", session.resolve);
    const ticket = await session.promise;
    first.destroy();
    const second = await handshake(ticket);
    const resumed = second.isSessionReused();
    second.destroy();
    expect(resumed).to.equal(false);
  });
});
