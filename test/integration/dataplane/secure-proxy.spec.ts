import { parseProxy, Reach } from "@drawbridge/dataplane";
import { expect } from "chai";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer, getCACertificates, type Server, setDefaultCACertificates } from "node:tls";
import { TestAuthority } from "../../support/certificates.ts";
import { closedOf, readBytes } from "../../support/dataplane-sockets.ts";
import { thrown } from "../../unit/identity/thrown.ts";

const TARGET = { host: "cloud.example", port: 443 };
const REQUEST = "CONNECT cloud.example:443 HTTP/1.1\r\nHost: cloud.example:443\r\nUser-Agent: drawbridge\r\n\r\n";

describe("a proxy that speaks TLS itself", () => {
  const trusted = getCACertificates("default");
  let authority: TestAuthority;
  let proxy: Server;
  const sockets: Socket[] = [];
  let reach: Reach;

  before(async () => {
    authority = await TestAuthority.create();
    const { key, certificate } = await authority.issueServer("localhost");
    proxy = createServer({ key, cert: certificate, allowHalfOpen: true, pauseOnConnect: true });
    proxy
      .on("tlsClientError", () => {})
      .on("connection", (socket: Socket) => sockets.push(socket.on("error", () => {})));
    await once(proxy.listen(0, "127.0.0.1"), "listening");
    reach = new Reach({ proxy: parseProxy(`https://localhost:${(proxy.address() as AddressInfo).port}`, "the test") });
  });
  after(() => proxy.close());
  afterEach(() => {
    setDefaultCACertificates(trusted);
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  it("is asked inside of TLS where this machine trusts its certificate", async () => {
    setDefaultCACertificates([...trusted, authority.certificate]);
    const dialled = reach.dial(TARGET);
    const [far] = (await once(proxy, "secureConnection")) as [Socket];
    far.on("error", () => {});
    expect((await readBytes(far, REQUEST.length)).toString()).to.equal(REQUEST);
    far.write("HTTP/1.1 200 OK\r\n\r\nbanner");
    const socket = await dialled;
    expect((await readBytes(socket, 6)).toString()).to.equal("banner");
    socket.write("hello");
    expect((await readBytes(far, 5)).toString()).to.equal("hello");
    socket.destroy();
    await closedOf(far);
  });

  it("is refused where its certificate is not trusted, in words that say so", async () => {
    const error = await thrown(() => reach.dial(TARGET));
    expect(error).to.have.property("code", "dial-failed");
    expect(error.message).to.match(/^no TLS connection to the proxy https:\/\/localhost:\d+ can be made \(.*\)$/);
    expect(error.remedy).to.contain("trusts its certificate");
  });
});
