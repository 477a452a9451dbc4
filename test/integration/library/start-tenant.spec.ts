import { once } from "node:events";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connectTenant } from "@drawbridge/control/remote";
import type { RunningTenant, ServedLink, StartTenantOptions } from "@drawbridge/control/tenant";
import { askLocal, startTenant } from "@drawbridge/control/tenant";
import { expect } from "chai";
import { startChain, stopChain } from "../../support/chain.ts";
import type { Chain } from "../../support/chain.ts";
import { readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { thrown } from "../../unit/identity/thrown.ts";
import { TargetServer } from "../cli/target-server.ts";

describe("startTenant", () => {
  const resources = new AsyncDisposableStack();
  let chain: Chain;
  let addressed: string;
  let served: PromiseWithResolvers<{ stream: Duplex; link: ServedLink }>;
  const home = (): string => join(chain.tenantHome, "tenant");
  const { signal } = new AbortController();

  before(async function () {
    this.timeout(60_000);
    const target = resources.use(await TargetServer.start((socket) => socket.end("by address")));
    addressed = target.named("named").slice("named=".length);
    chain = await startChain(["rdp=127.0.0.1:9"]);
    await chain.stopTenant();
  });
  beforeEach(() => (served = Promise.withResolvers()));
  after(async function () {
    this.timeout(60_000);
    await resources.disposeAsync();
    await stopChain(chain);
  });

  /** Runs the tenant with two targets of the program's own, and resolves once it is connected. */
  async function connected(options: Partial<StartTenantOptions> = {}): Promise<RunningTenant> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const tenant = await startTenant({
      home: home(),
      targets: { served: (stream, link) => served.resolve({ stream, link }), named: addressed },
      policy: "none",
      decide: () => ({ decision: "allow" }),
      observer: { connected: () => resolve() },
      ...options,
    });
    await promise;
    return tenant;
  }

  const connect = (target: string) =>
    connectTenant({ home: join(chain.operatorHome, "operator"), tenant: chain.tenantName, target, reason: "a test" });

  it("serves targets by a function and by address, and shows the sessions that are open", async () => {
    await using tenant = await connected();
    await using connection = await connect("served");
    connection.end("hello");
    const { stream, link } = await served.promise;
    expect(link).to.include({ operator: "alice", target: "served", sessionId: connection.session.id });
    expect((await readAll(stream)).toString()).to.equal("hello");
    expect(tenant.sessions.map(({ id, target }) => ({ id, target }))).to.deep.equal([
      { id: connection.session.id, target: "served" },
    ]);
    stream.end("and goodbye");
    expect((await readAll(connection)).toString()).to.equal("and goodbye");
    await using other = await connect("named");
    expect((await readAll(other)).toString()).to.equal("by address");
  });

  it("destroys what it serves with an error when the link is cut off", async () => {
    await using tenant = await connected();
    expect(tenant.connection.name).to.equal("connected");
    const connection = await connect("served");
    connection.write("a part");
    const { stream } = await served.promise;
    expect((await readBytes(stream, 6)).toString()).to.equal("a part");
    const failed = once(stream.resume(), "error");
    connection.destroy();
    expect(String(await failed)).to.contain("the link was cut off");
  });

  it("has the policy file decide before the program, which may leave a question to a person", async () => {
    const file = join(home(), "policy.yaml");
    const before = await readFile(file, "utf8");
    await writeFile(file, "rules:\n  - decision: ask\n    targets: [served]\n");
    try {
      const asked: boolean[] = [];
      await using tenant = await connected({
        policy: "file",
        decide: ({ wantsPerson }) => {
          asked.push(wantsPerson);
          return { decision: "allow" };
        },
      });
      expect((await thrown(() => connect("named"))).code).to.equal("consent-refused");
      const connecting = connect("served");
      const request = await standing();
      await askLocal(home(), { call: "approve", id: request, by: "maria" }, "decided", signal);
      await using connection = await connecting;
      expect(asked).to.deep.equal([true]);
      expect(tenant.sessions.map(({ consentBy }) => consentBy)).to.deep.equal(["maria"]);
      connection.destroy();
    } finally {
      await writeFile(file, before);
    }
  });

  /** The question that a person is asked. */
  async function standing(): Promise<string> {
    for (;;) {
      const { requests } = await askLocal(home(), { call: "requests" }, "requests", signal);
      const [request] = requests;
      if (request !== undefined) return request.id;
    }
  }

  it("ends its sessions and gives its home up when it is stopped, also by its signal", async () => {
    const stop = new AbortController();
    const tenant = await connected({ signal: stop.signal });
    const connection = await connect("served");
    const failed = once(connection, "error");
    expect((await thrown(() => connected())).code).to.equal("address-in-use");
    stop.abort();
    expect((await tenant.closed).code).to.equal("closed");
    await failed;
    await (await connected()).stop();
  });

  it("refuses what would let everybody in, and targets that are none", async () => {
    const refused = async (options: Partial<StartTenantOptions>) => (await thrown(() => connected(options))).code;
    expect(await refused({ decide: undefined })).to.equal("invalid-argument");
    expect(await refused({ targets: { "No Name": () => {} } })).to.equal("invalid-argument");
    expect(await refused({ targets: { meta: "169.254.169.254:80" } })).to.equal("permission-denied");
    expect(await refused({ home: join(home(), "nowhere") })).to.equal("home-missing");
  });

  it("tells why reconnecting is of no use", async () => {
    await using tenant = await connected();
    const copy = join(chain.tenantHome, "copy");
    await cp(home(), copy, { recursive: true, filter: (path) => !/\.(sock|lock)$/.test(path) });
    await using newer = await connected({ home: copy });
    expect((await tenant.closed).code).to.equal("superseded");
    expect(newer.connection.name).to.equal("connected");
  });
});
