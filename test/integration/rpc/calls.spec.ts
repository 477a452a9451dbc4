import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { Metadata } from "nice-grpc-common";
import { thrown } from "../../unit/identity/thrown.ts";
import { RpcBench, type TestContext, type TestImplementation } from "./rpc-bench.ts";

/** Answers each call with what came in, joined; fails where the id says so. */
class Echo implements TestImplementation {
  readonly callers: string[] = [];
  readonly aborted: string[] = [];
  readonly started = Promise.withResolvers<void>();
  readonly ended = Promise.withResolvers<void>();

  async unary({ sessionId }: { sessionId: string }, { caller }: TestContext) {
    this.callers.push(caller);
    if (sessionId === "refuse") throw new DrawbridgeError("consent-refused", "not now", { remedy: "Ask tomorrow." });
    if (sessionId === "break") throw new Error("the database is at /var/lib/secret");
    return Promise.resolve({ event: sessionId });
  }
  async *serverStream({ sessionId }: { sessionId: string }) {
    for (const event of sessionId) yield await Promise.resolve({ event });
  }
  async clientStream(requests: AsyncIterable<{ sessionId: string }>) {
    let event = "";
    for await (const { sessionId } of requests) event += sessionId;
    return { event };
  }
  async *bidi(requests: AsyncIterable<{ sessionId: string }>, { signal }: TestContext) {
    this.started.resolve();
    signal.addEventListener("abort", () => this.aborted.push("bidi"), { once: true });
    try {
      for await (const { sessionId } of requests) yield { event: sessionId.toUpperCase() };
    } finally {
      this.ended.resolve();
    }
  }
}

async function* many(...ids: string[]) {
  for (const sessionId of ids) yield await Promise.resolve({ sessionId });
}

/** Reads answers to their end, and tells of each. */
async function drain(messages: AsyncIterable<unknown>, onMessage?: (message: unknown) => void): Promise<void> {
  for await (const message of messages) onMessage?.(message);
}

describe("RPC server", () => {
  let echo: Echo;
  let bench: RpcBench;
  beforeEach(async () => {
    echo = new Echo();
    bench = await RpcBench.start(echo);
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  it("answers a unary call", async () => {
    expect((await bench.client().unary({ sessionId: "a" })).event).to.equal("a");
  });

  it("answers a server-streaming call", async () => {
    const events: string[] = [];
    for await (const { event } of bench.client().serverStream({ sessionId: "abc" })) events.push(event);
    expect(events).to.deep.equal(["a", "b", "c"]);
  });

  it("answers a client-streaming call", async () => {
    expect((await bench.client().clientStream(many("a", "b", "c"))).event).to.equal("abc");
  });

  it("answers a bidirectional call message by message", async () => {
    const turn = { next: Promise.withResolvers<string>() };
    const requests = async function* () {
      for (let id = "a"; id !== "end"; id = await turn.next.promise) {
        turn.next = Promise.withResolvers();
        yield { sessionId: id };
      }
    };
    const events: string[] = [];
    for await (const { event } of bench.client().bidi(requests())) {
      events.push(event);
      turn.next.resolve(event === "A" ? "b" : "end");
    }
    expect(events).to.deep.equal(["A", "B"]);
  });

  it("ends the requests and fires the signal when the caller cancels", async () => {
    const stop = new AbortController();
    const silent = async function* () {
      yield { sessionId: "a" };
      await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve(), { once: true }));
    };
    const answers = bench.client().bidi(silent(), { signal: stop.signal });
    const reading = drain(answers, () => stop.abort());
    const failure = await reading.catch((error: unknown) => error);
    expect(failure).to.have.property("name", "AbortError");
    await echo.ended.promise;
  });

  it("tells a refusal with code, message and remedy", async () => {
    const error = await thrown(() => bench.client().unary({ sessionId: "refuse" }));
    expect(error).to.include({ code: "consent-refused", message: "not now", remedy: "Ask tomorrow." });
  });

  it("keeps the text of a failure that nobody foresaw to itself", async () => {
    const error = await thrown(() => bench.client().unary({ sessionId: "break" }));
    expect(error.code).to.equal("internal");
    expect(`${error.message} ${error.remedy}`).not.to.contain("secret");
    expect(bench.errors[0]?.message).to.contain("secret");
  });

  it("refuses messages that break the contract's rules, in all kinds of call, before the service sees them", async () => {
    const client = bench.client();
    for (const call of [
      () => client.unary({ sessionId: "" }),
      () => drain(client.serverStream({ sessionId: "" })),
      () => client.clientStream(many("a", "")),
      () => drain(client.bidi(many("a", ""))),
    ]) {
      const error = await thrown(call);
      expect(error.code).to.equal("invalid-argument");
      expect(error.message).to.contain("session_id");
    }
    expect(echo.callers).to.deep.equal([]);
  });

  it("refuses a call that it does not know", async () => {
    const { connect } = await import("node:http2");
    const session = connect(`https://127.0.0.1:${bench.port}`, { rejectUnauthorized: false });
    const headers = { ":method": "POST", ":path": "/no.Such/Call", "content-type": "application/grpc", te: "trailers" };
    const stream = session.request(headers);
    stream.end();
    const answer = await new Promise<Record<string, unknown>>((resolve) => stream.once("response", resolve));
    expect(answer["grpc-status"]).to.equal("12");
    session.destroy();
  });

  it("drains: lets a call finish, and ends it at the deadline", async () => {
    const stop = new AbortController();
    const silent = async function* () {
      yield { sessionId: "a" };
      await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve(), { once: true }));
    };
    const reading = thrown(() => drain(bench.client().bidi(silent())));
    await echo.started.promise;
    await bench.drain(50);
    expect((await reading).code).to.be.oneOf(["unavailable", "cancelled"]);
    stop.abort();
  });
});

describe("RPC server's caller", () => {
  let echo: Echo;
  let bench: RpcBench;
  beforeEach(async () => {
    echo = new Echo();
    bench = await RpcBench.start(echo);
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  it("is the certificate that TLS has verified", async () => {
    const identity = await bench.identity("olga");
    await bench.client(identity).unary({ sessionId: "a" });
    expect(echo.callers).to.deep.equal([identity.der.toString("hex")]);
  });

  it("is nobody without a certificate, and with one of another CA", async () => {
    const { CertificateAuthority } = await import("@drawbridge/control/identity");
    const stranger = await bench.identity("olga", await CertificateAuthority.create("example"));
    await bench.client().unary({ sessionId: "a" });
    await bench.client(stranger).unary({ sessionId: "a" });
    expect(echo.callers).to.deep.equal(["", ""]);
  });

  it("is never taken from a header, whether the caller has a certificate or not", async () => {
    const [victim, own] = [await bench.identity("victim"), await bench.identity("own")];
    // So that its connection is there, under one of the numbers below.
    await bench.client(victim).unary({ sessionId: "a" });
    const metadata = Metadata();
    for (let number = 0; number < 200; number += 1) metadata.append("drawbridge-connection", `c${number}`);
    await bench.client().unary({ sessionId: "a" }, { metadata });
    await bench.client(own).unary({ sessionId: "a" }, { metadata });
    expect(echo.callers.slice(1)).to.deep.equal(["", own.der.toString("hex")]);
  });
});
