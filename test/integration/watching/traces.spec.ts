import { expect } from "chai";
import { openSession, startChain, stopChain } from "../../support/chain.ts";
import type { Chain } from "../../support/chain.ts";
import { stopCli } from "../../support/cli.ts";
import { dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { OtlpReceiver, type ReceivedSpan } from "../../support/otlp-receiver.ts";
import { TargetServer } from "../cli/target-server.ts";

const SENT = "through three redirectors";

describe("a trace of a session", function () {
  this.timeout(120_000);
  const resources = new AsyncDisposableStack();
  let receiver: OtlpReceiver;
  let chain: Chain;
  let spans: readonly ReceivedSpan[];
  let session = "";
  let link = "";

  before(async () => {
    receiver = resources.use(await OtlpReceiver.start());
    const target = resources.use(await TargetServer.start((socket) => socket.pipe(socket)));
    chain = await startChain([target.named("rdp")], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b" },
    });
    await using open = await openSession(chain);
    session = String(open.process.events.find(({ event }) => event === "session-opened")?.["session"]);
    const client = await dialLoopback(open.port);
    client.end(SENT);
    expect((await readAll(client)).toString()).to.equal(SENT);
    link = String((await open.process.waitForEvent("link-closed"))["link"]);
    await stopCli(open.process);
    // What is left is sent when a process ends.
    await stopChain(chain);
    ({ spans } = receiver);
  });

  after(() => resources.disposeAsync());

  const span = (service: string, name: string): ReceivedSpan => {
    const found = spans.filter((each) => each.service === `drawbridge-${service}` && each.name === name);
    expect(found.length, `spans ${name} of ${service}`).to.equal(1);
    return found[0] as ReceivedSpan;
  };

  it("has one id across the three processes, and begins at the operator", () => {
    expect(new Set(spans.map(({ service }) => service))).to.deep.equal(
      new Set(["drawbridge-remote", "drawbridge-cloud", "drawbridge-tenant"]),
    );
    expect(new Set(spans.map(({ traceId }) => traceId)).size).to.equal(1);
    const [first, ...others] = spans.filter(({ parentSpanId }) => parentSpanId === "");
    expect(others).to.deep.equal([]);
    expect(first).to.include({ service: "drawbridge-remote", name: "session" });
  });

  it("goes from the operator over the cloud redirector to the tenant, for the session and for each link", () => {
    for (const name of ["session", "link"]) {
      expect(span("cloud", name).parentSpanId, name).to.equal(span("remote", name).spanId);
      expect(span("tenant", name).parentSpanId, name).to.equal(span("cloud", name).spanId);
    }
    expect(span("remote", "link").parentSpanId).to.equal(span("remote", "session").spanId);
  });

  for (const [service, parent, steps] of [
    ["remote", "session", ["consent"]],
    ["cloud", "session", ["consent"]],
    ["remote", "link", ["ask for the link", "dial the leg", "end-to-end handshake"]],
    ["cloud", "link", ["wait for the first leg", "wait for the second leg"]],
    ["tenant", "link", ["dial the target", "dial the leg", "end-to-end handshake"]],
  ] as const) {
    it(`has the steps of the ${parent} at ${service}, inside it`, () => {
      const outer = span(service, parent);
      for (const name of steps) {
        const inner = span(service, name);
        expect(inner.parentSpanId, name).to.equal(outer.spanId);
        // Both are told in whole microseconds.
        expect(inner.startMs, name).to.be.at.least(outer.startMs - 0.01);
        expect(inner.endMs, name).to.be.at.most(outer.endMs + 0.01);
      }
    });
  }

  it("says which session and link it was, how they ended, and how many bytes there were", () => {
    for (const service of ["remote", "cloud", "tenant"]) {
      expect(span(service, "session").attributes["drawbridge.session"]).to.equal(session);
      expect(span(service, "link").attributes).to.include({
        "drawbridge.session": session,
        "drawbridge.link": link,
        "drawbridge.code": "closed",
      });
    }
    for (const service of ["remote", "tenant"])
      expect(span(service, "link").attributes["drawbridge.bytes_to_tenant"]).to.equal(String(SENT.length));
    expect(spans.filter(({ failed }) => failed)).to.deep.equal([]);
  });

  it("is sent to where the environment says, with the headers that it names", () => {
    expect(new Set(receiver.paths)).to.deep.equal(new Set(["/v1/traces"]));
    for (const headers of receiver.headers)
      expect(headers).to.include({ "x-key": "a b", "content-type": "application/json" });
  });
});
