import { request } from "node:http";
import type { Socket } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { openWatchServer, type WatchServer } from "@drawbridge/control/watching";
import { expect } from "chai";
import { dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { CloudBench } from "../control/cloud-bench.ts";

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

describe("the listener for who watches", function () {
  this.timeout(30_000);
  let obstacle: string | undefined;
  let server: WatchServer;
  let port: number;
  const sockets: Socket[] = [];
  const metrics = { contentType: "text/plain; version=0.0.4", text: () => Promise.resolve("a_metric 1\n") };

  before(async () => {
    server = await openWatchServer({ metrics, obstacle: () => obstacle });
    ({ port } = await server.listen({ host: "127.0.0.1", port: 0 }));
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  after(() => server.close());

  function ask(path: string, method = "GET", at = port): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const asked = request({ host: "127.0.0.1", port: at, path, method, agent: false }, (response) => {
      const { statusCode: status, headers } = response;
      textOf(response).then((text) => resolve({ status, headers, text }), reject);
    });
    asked.on("error", reject).end();
    return promise;
  }

  async function dial(): Promise<Socket> {
    const socket = await dialLoopback(port);
    sockets.push(socket);
    return socket;
  }

  /** What comes back for these bytes, until the connection is over. */
  async function raw(bytes: string | Buffer): Promise<string> {
    const socket = await dial();
    const answer = readAll(socket).catch(() => Buffer.alloc(0));
    socket.write(bytes);
    return (await answer).toString();
  }

  it("answers /metrics, /livez and /readyz, and nothing else", async () => {
    expect(await ask("/metrics")).to.include({ status: 200, text: "a_metric 1\n" });
    expect((await ask("/metrics?x=y")).headers["content-type"]).to.equal(metrics.contentType);
    expect(await ask("/livez")).to.include({ status: 200, text: "alive\n" });
    expect(await ask("/readyz")).to.include({ status: 200, text: "ready\n" });
    for (const path of ["/", "/metrics/", "/..%2f..%2fetc/passwd", "//livez", "/METRICS"])
      expect((await ask(path)).status, path).to.equal(404);
    expect(await ask("/livez", "HEAD")).to.include({ status: 200, text: "" });
  });

  it("says 503 and why, in plain text, while no new work is taken", async () => {
    obstacle = "draining: no new sessions";
    const answer = await ask("/readyz");
    expect(answer).to.include({ status: 503, text: "draining: no new sessions\n" });
    expect(answer.headers["content-type"]).to.contain("text/plain");
    expect((await ask("/livez")).status).to.equal(200);
    obstacle = undefined;
    expect((await ask("/readyz")).status).to.equal(200);
  });

  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"]) {
    it(`refuses ${method}`, async () => expect((await ask("/metrics", method)).status).to.equal(405));
  }

  it("closes what is no HTTP, or too much of it, without a word", async () => {
    for (const bytes of [
      "hello\r\n\r\n",
      "GET /livez HTTP/9.9\r\n\r\n",
      "\u0016\u0003\u0001\u0002",
      Buffer.alloc(64, 255),
    ])
      expect(await raw(bytes)).to.equal("");
    expect(await raw(`GET /livez HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(8_192)}\r\n\r\n`)).to.equal("");
    expect(await raw("CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n")).to.equal("");
  });

  it("reads no body: the answer comes, and then the end", async () => {
    const head = "GET /livez HTTP/1.1\r\nhost: x\r\n";
    for (const framing of ["content-length: 1000000000\r\n", "transfer-encoding: chunked\r\n"]) {
      const answer = await raw(`${head}${framing}\r\n`);
      expect(answer).to.contain("200 OK").and.to.contain("Connection: close");
    }
  });

  it("closes who begins a request and does not end it", async () => {
    expect(await raw("GET /livez HTTP/1.1\r\nhost: x\r\n")).to.equal("");
  });

  it("holds 64 connections and no more, and serves again when they are gone", async () => {
    const first = await Promise.all(Array.from({ length: 64 }, dial));
    const surplus = await dial();
    expect(await readAll(surplus).catch(() => Buffer.alloc(0))).to.have.length(0);
    expect(first.filter((socket) => socket.readableEnded || socket.destroyed)).to.deep.equal([]);
    for (const socket of first) socket.destroy();
    const deadline = Date.now() + 5_000;
    let answer: Answer | undefined;
    while (answer === undefined && Date.now() < deadline) answer = await ask("/livez").catch(() => undefined);
    expect(answer?.status).to.equal(200);
  });

  it("collects once for all that ask at the same time, and says 500 when that fails", async () => {
    const broken = { contentType: "text/plain", text: () => Promise.reject(new Error("a secret path")) };
    const other = await openWatchServer({ metrics: broken, obstacle: () => undefined });
    const { port: at } = await other.listen({ host: "127.0.0.1", port: 0 });
    expect(await ask("/metrics", "GET", at)).to.include({ status: 500, text: "the metrics could not be collected\n" });
    await other.close();
    await other.close();
  });

  it("knows a cloud redirector as not ready before it listens, while it drains, and once it has stopped", async () => {
    await using bench = await CloudBench.start();
    const { cloud } = bench;
    expect(cloud.obstacle).to.equal(undefined);
    const tenant = await bench.tenant(await bench.enrolTenant("acme"));
    const { operator } = await bench.session(tenant, await bench.enrolOperator("olga"));
    const cutShort = new AbortController();
    const drained = cloud.drain(60_000, cutShort.signal);
    expect(cloud.obstacle).to.contain("draining");
    cutShort.abort();
    await drained;
    operator.cut();
    tenant.cut();
    await bench.stop();
    expect(cloud.obstacle).to.equal("stopped");
    const next = await bench.make();
    expect(next.obstacle).to.equal("not listening yet");
    expect(next.figures()).to.deep.include({ tenants: { online: 0, offline: 0 }, draining: false, silentSockets: 0 });
  });
});
