import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AdminClient } from "@drawbridge/control/remote";
import { MessageQueue, serviceDefinition } from "@drawbridge/control/rpc";
import { systemWallClock } from "@drawbridge/control/wire";
import { RegistryService, type WatchRequest } from "@drawbridge/gen/drawbridge/v1/registry";
import { expect } from "chai";
import { cloudSettingsSchema } from "../../../packages/control/src/cloud/cloud-settings.ts";
import { until } from "../../support/dataplane-rendezvous.ts";
import { thrown } from "../../unit/identity/thrown.ts";
import { CloudBench, TodaysFakeClock } from "../control/cloud-bench.ts";
import { CallFrames } from "./call-frames.ts";

const { signal } = new AbortController();

describe("PEERS security 15: each deadline of settings.json", () => {
  for (const [what, first] of [
    ["a connection that says nothing", ""],
    ["a leg whose preface does not end", "DBR1"],
  ] as const) {
    it(`prefaceDeadline closes ${what}`, async () => {
      const clock = new TodaysFakeClock();
      await using bench = await CloudBench.start(clock, { prefaceDeadline: "2s" });
      const before = clock.pending;
      const socket = connect(bench.port, "127.0.0.1");
      await once(socket.on("error", () => {}).resume(), "connect");
      if (first !== "") await passOn(socket, first);
      await until(() => clock.pending > before);
      clock.advance(1_999);
      for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(socket.destroyed).to.equal(false);
      clock.advance(2_001);
      if (!socket.closed) await once(socket, "close");
    });
  }

  it("keepAlive finds a peer that is gone, and leaves one that answers", async function () {
    // With the default it would take 17 s.
    this.timeout(12_000);
    const keepAlive = { interval: "500ms", timeout: "500ms" };
    await using bench = await CloudBench.start(systemWallClock, { keepAlive });
    const vera = await bench.enrolOperator("vera", "viewer");
    const identity = { cert: vera.certificate, key: vera.privateKey, rejectUnauthorized: false };
    const answering = connectHttp2(`https://127.0.0.1:${bench.port}`, identity).on("error", () => {});
    await once(answering, "connect");
    const gone = connectTls({ port: bench.port, host: "127.0.0.1", ALPNProtocols: ["h2"], ...identity });
    await once(
      gone.on("error", () => {}),
      "secureConnect",
    );
    new CallFrames(gone);
    await once(gone, "close");
    expect(answering.destroyed).to.equal(false);
    answering.destroy();
  });

  const parse = (settings: object) => () =>
    cloudSettingsSchema.parse({ publicAddress: "a.example:1", listen: "0.0.0.0:1", ...settings });

  it("has a default and is bounded", () => {
    expect(parse({})()).to.deep.include({
      prefaceDeadline: 5_000,
      keepAlive: { intervalMs: 12_000, timeoutMs: 5_000 },
    });
    for (const prefaceDeadline of ["0s", "999ms", "61s", "1d", "soon", 5]) {
      expect(parse({ prefaceDeadline }), String(prefaceDeadline)).to.throw();
    }
    for (const keepAlive of [
      { interval: "1ms" },
      { timeout: "0s" },
      { interval: "16s" },
      { interval: "x" },
      { every: "1s" },
    ]) {
      expect(parse({ keepAlive }), JSON.stringify(keepAlive)).to.throw();
    }
  });
});

describe("a watch of the registry", () => {
  it("waits for its first message no longer than five seconds, and ends when the requests end without one", async () => {
    const clock = new TodaysFakeClock();
    await using bench = await CloudBench.start(clock);
    const channel = bench.channel(await bench.enrolOperator("vera", "viewer"));
    // So that the connection is there, and only the watch's own timer is to come.
    await new AdminClient(channel).listTenants(signal);
    const before = clock.pending;
    const watch = (requests: MessageQueue<WatchRequest>) =>
      thrown(() => channel.client(serviceDefinition(RegistryService)).watch(requests)[Symbol.asyncIterator]().next());
    const silence = new MessageQueue<WatchRequest>();
    const late = watch(silence);
    await until(() => clock.pending > before);
    clock.advance(5_000);
    expect((await late).code).to.equal("handshake-timeout");
    silence.end();
    const nothing = new MessageQueue<WatchRequest>();
    nothing.end();
    expect((await watch(nothing)).code).to.equal("protocol-violation");
  });
});

/** Writes, and resolves when this process, in which the server is too, has turned a few times since. */
async function passOn(socket: Socket, text: string): Promise<void> {
  await new Promise((resolve) => socket.write(text, resolve));
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
