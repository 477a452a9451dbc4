import type { DrawbridgeError } from "@drawbridge/dataplane";
import { Reach, parseProxy } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { Socket } from "node:net";
import { closedOf, LoopbackServer, readBytes } from "../../support/dataplane-sockets.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { thrown } from "../../unit/identity/thrown.ts";

const TARGET = { host: "cloud.example", port: 443 };
const TIMEOUT_MS = 5_000;

/** All that a request holds, up to its empty line. */
async function requestOf(socket: Socket): Promise<string> {
  let text = "";
  while (!text.endsWith("\r\n\r\n")) text += (await readBytes(socket, 1)).toString("latin1");
  return text;
}

describe("a proxy that is asked for a tunnel", () => {
  let proxy: LoopbackServer;
  const clock = new FakeClock();

  beforeEach(async () => {
    proxy = await LoopbackServer.start();
  });
  afterEach(() => proxy.close());

  const url = (userinfo = ""): string => `http://${userinfo}127.0.0.1:${proxy.address.port}`;
  const dial = (userinfo = "", signal?: AbortSignal): Promise<Socket> =>
    new Reach({ proxy: parseProxy(url(userinfo), "the test") }).dial(TARGET, {
      clock,
      timeoutMs: TIMEOUT_MS,
      ...(signal && { signal }),
    });
  /** Answers and returns what the dialler made of it. */
  async function answered(answer: string | Buffer, userinfo = ""): Promise<DrawbridgeError> {
    const error = thrown(() => dial(userinfo));
    const far = await proxy.next();
    await requestOf(far);
    far.end(answer);
    const result = await error;
    await closedOf(far);
    expect(clock.pending, "timers").to.equal(0);
    return result;
  }

  it("is told the name as it is, and the user and password by Basic authentication", async () => {
    const dialled = dial("maria:p%40ss%20w%C3%B6rd@");
    const far = await proxy.next();
    const userPass = Buffer.from("maria:p@ss wörd").toString("base64");
    expect(await requestOf(far)).to.equal(
      `CONNECT cloud.example:443 HTTP/1.1\r\nHost: cloud.example:443\r\nUser-Agent: drawbridge\r\n` +
        `Proxy-Authorization: Basic ${userPass}\r\n\r\n`,
    );
    far.write("HTTP/1.1 200 Connection established\r\n\r\n");
    (await dialled).destroy();
    await closedOf(far);
  });

  it("may answer in single bytes, with HTTP/1.0, and send the stream's bytes right behind", async () => {
    const dialled = dial();
    const far = await proxy.next();
    await requestOf(far);
    far.setNoDelay(true);
    for (const byte of "HTTP/1.0 200 OK\r\nVia: x\r\n\r") far.write(byte);
    far.write("\nbanner");
    const socket = await dialled;
    expect((await readBytes(socket, 6)).toString()).to.equal("banner");
    far.end();
    socket.write("still half open");
    expect((await readBytes(far, 15)).toString()).to.equal("still half open");
    socket.destroy();
    await closedOf(far);
  });

  it("that wants authentication is told apart by what it offers and what it was given", async () => {
    const offer =
      'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="a, b c", NTLM\r\nProxy-Authenticate: Negotiate\r\n\r\n';
    const wanted = await answered(offer);
    expect(wanted.code).to.equal("dial-failed");
    expect(wanted.message).to.equal(
      `the proxy ${url()} wants a user and a password (it offers Basic, NTLM, Negotiate)`,
    );
    const wrong = await answered(offer, "maria:canary@");
    expect(wrong.message).to.contain("does not accept the user and password");
    expect(wrong.message + wrong.remedy).to.not.contain("canary");
    const other = await answered("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n", "maria:x@");
    expect(other.message).to.contain("does not speak (it offers NTLM)");
  });

  for (const [answer, says] of [
    ["HTTP/1.1 403 Filtered\r\n\r\n", /forbids connections to cloud\.example:443 \(it answered 403\)/],
    ["HTTP/1.1 502 Bad Gateway\r\n\r\n", /cannot reach cloud\.example:443 \(it answered 502\)/],
    ["HTTP/1.1 418 \u001b[2J\r\n\r\n", /refused a connection to cloud\.example:443 \(it answered 418\)$/],
    ["SSH-2.0-OpenSSH_9.2\r\n", /is not an HTTP proxy/],
    ["HTTP/1.1 2000 OK\r\n\r\n", /is not an HTTP proxy/],
    ["HTTP/2 200\r\n\r\n", /is not an HTTP proxy/],
    ["", /closed the connection without an answer/],
    ["HTTP/1.1 200 OK\r\nX: y", /closed the connection without an answer/],
    [`HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(4_000)}`, /is not an HTTP proxy/],
  ] as const) {
    it(`that answers ${JSON.stringify(answer.slice(0, 30))} is reported, with what to do`, async () => {
      const error = await answered(answer);
      expect(error).to.have.property("code", "dial-failed");
      expect(error.message).to.match(says).and.to.contain(url());
      expect(error.message + error.remedy).to.not.contain("\u001b");
      expect(error.remedy).to.match(/\.$/);
    });
  }

  it("whose head never ends is given up at 16 KiB", async () => {
    const error = thrown(() => dial());
    const far = await proxy.next();
    await requestOf(far);
    far.write("HTTP/1.1 200 OK\r\n");
    far.write("X-Endless: ".padEnd(17 * 1024, "x"));
    expect((await error).message).to.contain("is not an HTTP proxy");
    await closedOf(far);
  });

  it("that never answers is given up at the deadline, and when aborted", async () => {
    const late = thrown(() => dial());
    const first = await proxy.next();
    await requestOf(first);
    clock.advance(TIMEOUT_MS);
    expect((await late).message).to.match(/did not answer the request for cloud\.example:443 within \d+ ms/);
    const controller = new AbortController();
    const given = thrown(() => dial("", controller.signal));
    const second = await proxy.next();
    await requestOf(second);
    controller.abort();
    expect((await given).code).to.equal("cancelled");
    await Promise.all([closedOf(first), closedOf(second)]);
    expect(clock.pending).to.equal(0);
  });

  it("that cannot be reached is named as the proxy", async () => {
    const at = url();
    const reach = new Reach({ proxy: parseProxy(at, "the test") });
    proxy.close();
    const error = await thrown(() => reach.dial(TARGET));
    expect(error.message).to.match(/^the proxy cannot be reached: 127\.0\.0\.1:\d+ refused the connection$/);
    expect(error.remedy).to.contain(at);
  });

  it("is not asked for what is on the list of exceptions", async () => {
    const straight = await LoopbackServer.start();
    const reach = new Reach({ proxy: parseProxy(url(), "the test"), noProxy: "127.0.0.0/8" });
    const socket = await reach.dial(straight.address);
    (await straight.next()).destroy();
    socket.destroy();
    straight.close();
  });
});
