import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { BenchSession } from "../../bench/fleet/bench-operator.ts";
import { FleetProvider } from "../../bench/fleet/fleet-provider.ts";
import { ManyTenants } from "../reconnect/many-tenants.ts";
import { until } from "../../../scripts/demo/until.ts";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { AdminClient } from "@drawbridge/control/remote";

describe("links that are made ahead", function () {
  this.timeout(60_000);
  const resources = new AsyncDisposableStack();
  const { signal } = new AbortController();
  const dialled: Socket[] = [];
  let target: Server;
  let provider: FleetProvider;
  let operator: EnrolledIdentity;
  let channel: RpcChannel;

  before(async () => {
    target = createServer((socket) => {
      dialled.push(socket.on("error", () => {}));
      socket.end("!");
    }).listen({ port: 0, host: "127.0.0.1" });
    await once(target, "listening");
    resources.defer(() => void target.close());
    provider = resources.use(await FleetProvider.create(1));
    await provider.run();
    operator = await provider.enrolOperator("olga");
    channel = provider.channel(operator);
    resources.defer(() => channel.close());
    const { port } = target.address() as AddressInfo;
    resources.use(await ManyTenants.start(provider.tenants, { target: `127.0.0.1:${port}` }));
    // A tenant redirector takes them once it has seen a leg get through.
    const first = await open(1);
    await first.firstByte(signal);
    await first.end();
  });
  after(() => resources.disposeAsync());

  const open = (linksAhead: number): Promise<BenchSession> =>
    BenchSession.open(operator, channel, provider.tenants[0]?.name ?? "", signal, linksAhead);

  it("dial no target before they are needed, and each then once; and are not listed before", async () => {
    const before = dialled.length;
    const session = await open(2);
    const listed = await new AdminClient(channel).listSessions(signal);
    expect(listed.map(({ links }) => links)).to.deep.equal([0]);
    expect(dialled.length).to.equal(before);
    for (let links = 1; links <= 4; links += 1) {
      await session.firstByte(signal);
      expect(dialled.length).to.equal(before + links);
    }
    await session.end();
    expect(dialled.length).to.equal(before + 4);
  });

  it("end with their session, used or not", async () => {
    const session = await open(4);
    await session.end();
    const admin = new AdminClient(channel);
    await until(async () => (await admin.listSessions(signal)).length === 0 || undefined, {
      what: "the session's end",
    });
  });
});
