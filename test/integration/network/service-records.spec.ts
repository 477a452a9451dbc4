import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { expect } from "chai";
import { Child } from "../../../scripts/demo/child.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { until } from "../../../scripts/demo/until.ts";
import { Dnsmasq, SERVICE, type ServiceRecord } from "../../support/dnsmasq.ts";
import { type DrawbridgeProcess, type DrawbridgeResult, expectCli, startCli } from "../../support/cli.ts";
import { namespaceObstacle, NetworkNamespace } from "../../support/network-namespace.ts";
import { peerSuite } from "../../support/peer-suite.ts";

const PEER = fileURLToPath(new URL("../../support/echo-peer.mjs", import.meta.url));
/** In the namespace every port is free. */
const [CLOUD, ECHO, LISTENER] = [8443, 3389, 4000];
const FIRST: ServiceRecord = { host: "first", port: 9001, priority: 0 };
const SECOND: ServiceRecord = { host: "second", port: 9002, priority: 1 };
const MOVED: ServiceRecord = { host: "first", port: 9003, priority: 0 };
/** A dead gateway is left within 5 s; the rest is for a machine that has much else to do. */
const GONE_ON_WITHIN_MS = 5_000 + 5_000;

const placeOf = ({ host, port }: ServiceRecord): string => `${host}.provider.test:${port}`;

peerSuite("SRV records of a real name server", ["dnsmasq", "ip"], () => {
  const obstacle = namespaceObstacle();
  if (obstacle !== undefined) return void it.skip(`lead to the gateways (skipped: ${obstacle})`);
  let namespace: NetworkNamespace;
  let folder: TemporaryFolder;
  let dns: Dnsmasq;
  let tenant: DrawbridgeProcess;
  const gateways = new Map<ServiceRecord, DrawbridgeProcess>();
  const undo = new AsyncDisposableStack();

  before(async function () {
    this.timeout(120_000);
    folder = undo.use(await TemporaryFolder.create("srv"));
    namespace = undo.use(await NetworkNamespace.create());
    dns = undo.use(await Dnsmasq.start(namespace, [FIRST, SECOND]));
    await startEcho();
    await startProvider();
    for (const record of [FIRST, SECOND]) await startGateway(record);
    for (const words of [
      ["tenant", "acme", "--target", `rdp=127.0.0.1:${ECHO}`],
      ["operator", "alice"],
    ]) {
      await enrol(words);
    }
    tenant = await start(["tenant", "run"]);
    await tenant.waitForEvent("ready");
  });
  after(() => undo.disposeAsync());

  const options = () => ({ home: folder.file("home"), inside: namespace.inside });
  const run = (args: readonly string[]): Promise<DrawbridgeResult> => expectCli([...args, "--json"], options());

  async function start(args: readonly string[]): Promise<DrawbridgeProcess> {
    return undo.use(await startCli([...args, "--json"], options()));
  }

  async function startEcho(): Promise<void> {
    let isReady = false;
    const [command, ...args] = [...namespace.inside, process.execPath, PEER, "serve", String(ECHO)];
    undo.use(await Child.start({ name: "the echo", command, args, onLine: () => (isReady = true) }));
    await until(() => isReady || undefined, { what: "the echo to listen" });
  }

  async function startProvider(): Promise<void> {
    await run(["cloud", "init", "--name", "demo", "--public-address", SERVICE]);
    const file = join(folder.file("home"), "cloud", "settings.json");
    const settings = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...settings, trustedGateways: ["127.0.0.1"] }));
    await (await start(["cloud", "run", "--listen", `127.0.0.1:${CLOUD}`])).waitForEvent("ready");
  }

  async function startGateway(record: ServiceRecord): Promise<void> {
    const listen = `127.0.0.1:${record.port}`;
    const gateway = await start([
      "gateway",
      "run",
      "--listen",
      listen,
      "--cloud",
      `127.0.0.1:${CLOUD}`,
      "--drain",
      "1s",
    ]);
    await gateway.waitForEvent("ready");
    gateways.set(record, gateway);
  }

  async function kill(record: ServiceRecord): Promise<void> {
    gateways.get(record)?.child.signal("SIGKILL");
    await gateways.get(record)?.ended();
  }

  async function enrol([kind = "", name = "", ...args]: readonly string[]): Promise<void> {
    const { events } = await run(["cloud", "invite", kind, name]);
    expect(events[0]).to.have.property("code");
    const input = `${String(events[0]?.["code"])}\n`;
    await expectCli([kind, "enroll", "-", ...args], { ...options(), input });
  }

  async function tenantAt(record: ServiceRecord): Promise<void> {
    const isThere = (): true | undefined => {
      const last = tenant.events.findLast(({ gateway }) => gateway !== undefined);
      return (last?.["gateway"] === placeOf(record) && last.event !== "disconnected") || undefined;
    };
    await until(isThere, { what: `the tenant at ${placeOf(record)}\n${tenant.child.tail()}`, timeoutMs: 30_000 });
  }

  /** Opens a session, sends something through a link and gets it back. */
  async function roundTrip(text: string): Promise<void> {
    const listen = ["--listen", `127.0.0.1:${LISTENER}`];
    const session = await start(["connect", "acme", "--client", "none", ...listen]);
    await session.waitForEvent("listening");
    const [command, ...args] = [...namespace.inside, process.execPath, PEER, "ask", String(LISTENER), text];
    const lines: string[] = [];
    await using peer = await Child.start({ name: "the client", command, args, onLine: (line) => lines.push(line) });
    expect(await peer.exited, peer.tail()).to.deep.equal({ code: 0, signal: null });
    expect(lines).to.deep.equal([text]);
    await session.stop();
  }

  it("lead tenants and operators to the gateway of the lowest priority", async function () {
    this.timeout(60_000);
    await tenantAt(FIRST);
    await roundTrip("first");
  });

  it("lead to the next one when that one dies, within 5 s", async function () {
    this.timeout(60_000);
    await kill(FIRST);
    const diedAt = performance.now();
    await tenantAt(SECOND);
    expect(performance.now() - diedAt).to.be.lessThan(GONE_ON_WITHIN_MS);
    await roundTrip("second");
  });

  it("are looked up anew: a gateway that has moved to another port is found without a restart", async function () {
    this.timeout(60_000);
    await startGateway(MOVED);
    await dns.tell([MOVED]);
    await kill(SECOND);
    await tenantAt(MOVED);
    await roundTrip("moved");
  });

  it("hold while the name server is down: the last good answer leads on", async function () {
    this.timeout(90_000);
    const { length: before } = tenant.events;
    await dns.stop();
    await kill(MOVED);
    await tenant.waitForEvent("disconnected", { where: (event) => tenant.events.indexOf(event) >= before });
    await startGateway(MOVED);
    await dns.tell([]);
    await tenantAt(MOVED);
  });
});
