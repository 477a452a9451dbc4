import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { certificateFacts, certificateFromPem, loadIdentity } from "@drawbridge/control/identity";
import { expect } from "chai";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { until } from "../../../scripts/demo/until.ts";
import { expectCli, startCli, stopCli } from "../../support/cli.ts";
import type { DrawbridgeProcess } from "../../support/cli.ts";

/** Long enough for a busy machine to renew in the last third, short enough to outlive it twice in a test. */
const LIFE_SECONDS = 12;

describe("certificates that live for seconds", function () {
  this.timeout(90_000);
  let folder: TemporaryFolder;
  const running = new AsyncDisposableStack();
  let cloud: DrawbridgeProcess;
  let tenant: DrawbridgeProcess;
  const home = (role: string): string => folder.file(role);

  const target = createServer((socket) => socket.pipe(socket).on("error", () => {}));

  before(async () => {
    folder = await TemporaryFolder.create("renewal");
    target.listen(0, "127.0.0.1");
    await once(target, "listening");
  });
  after(async () => {
    await running.disposeAsync();
    target.close();
    await rm(folder.path, { recursive: true, force: true });
  });

  const portOf = (address: unknown): number => Number(String(address).replace(/^.*:/, ""));

  async function startProvider(): Promise<void> {
    await expectCli(["cloud", "init", "--public-address", "127.0.0.1:1"], { home: home("cloud") });
    const settings = join(home("cloud"), "cloud", "settings.json");
    const written = JSON.parse(await readFile(settings, "utf8")) as object;
    await writeFile(settings, JSON.stringify({ ...written, certificateLife: `${LIFE_SECONDS}s` }));
    cloud = running.use(await startCli(["cloud", "run", "--listen", "127.0.0.1:0", "--json"], { home: home("cloud") }));
    const { address } = await cloud.waitForEvent("ready");
    await writeFile(
      settings,
      JSON.stringify({ ...written, publicAddress: address, certificateLife: `${LIFE_SECONDS}s` }),
    );
  }

  async function enroll(kind: "tenant" | "operator", name: string, args: string[] = []): Promise<void> {
    const { events } = await expectCli(["cloud", "invite", kind, name, "--json"], { home: home("cloud") });
    const input = String(events[0]?.["code"]);
    await expectCli([kind, "enroll", "-", ...args], { home: home(kind), input });
  }

  async function echo(socket: Socket, text: string): Promise<string> {
    socket.write(text);
    const [answer] = (await once(socket, "data")) as [Buffer];
    return answer.toString();
  }

  const notAfter = async (kind: "tenant" | "operator"): Promise<number> => {
    const { certificate } = await loadIdentity(join(home(kind), kind), kind);
    return certificateFacts(certificateFromPem(certificate)).notAfter;
  };

  it("renew themselves, drop no link, and let new links be made past the first certificates' end", async () => {
    await startProvider();
    const { port } = target.address() as { port: number };
    await enroll("tenant", "acme", ["--target", `rdp=127.0.0.1:${port}`]);
    await enroll("operator", "maria");
    tenant = running.use(await startCli(["tenant", "run", "--json"], { home: home("tenant") }));
    await tenant.waitForEvent("ready");
    const args = ["connect", "acme", "--client", "none", "--json", "--listen", "127.0.0.1:0"];
    const session = running.use(await startCli(args, { home: home("operator") }));
    const listening = portOf((await session.waitForEvent("listening"))["address"]);
    const first = Math.max(await notAfter("tenant"), await notAfter("operator"));
    const link = connect(listening, "127.0.0.1");
    expect(await echo(link, "before")).to.equal("before");

    await until(async () => Date.now() > first + 1_000 || undefined, {
      what: "the first certificates' end",
      timeoutMs: 60_000,
      intervalMs: 100,
    });
    expect(await notAfter("tenant")).to.be.greaterThan(first);
    expect(await notAfter("operator")).to.be.greaterThan(first);
    expect(await echo(link, "after")).to.equal("after");
    const late = connect(listening, "127.0.0.1");
    expect(await echo(late, "late")).to.equal("late");
    const lost = tenant.events.filter(({ event }) => event === "connected" || event === "session-ended");
    expect(lost).to.deep.equal([]);

    for (const socket of [link, late]) socket.destroy();
    for (const each of [session, tenant, cloud]) await stopCli(each);
  });
});
