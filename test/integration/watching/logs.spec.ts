import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startChain, stopChain } from "../../support/chain.ts";
import type { Chain } from "../../support/chain.ts";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import { expectCli, startCli, stopCli } from "../../support/cli.ts";
import { dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { ALLOW, ASK } from "../tenant/consent-chain.ts";
import { TargetServer } from "../cli/target-server.ts";

const LOUD = ["--log-format", "json", "--log-level", "info"];
const SENT = "a secret that passes through";

/** A line of a log. */
type Line = Readonly<Record<string, unknown>> & { readonly event?: string };

/** The log of a process: of all that it printed, the lines that pino wrote. */
function logOf(process: DrawbridgeProcess): Line[] {
  const lines = process.child.tail().split("\n");
  return lines
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ level }) => level !== undefined);
}

/** What a grep for an id finds: the events, in order. */
const lifeOf = (id: string, process: DrawbridgeProcess): (string | undefined)[] =>
  logOf(process)
    .filter((line) => JSON.stringify(line).includes(id))
    .map(({ event }) => event);

describe("the logs of the three redirectors, in JSON", function () {
  this.timeout(120_000);
  const resources = new AsyncDisposableStack();
  let chain: Chain;
  let cloud: DrawbridgeProcess;

  before(async () => {
    const target = resources.use(await TargetServer.start((socket) => socket.pipe(socket)));
    chain = await startChain([target.named("rdp")], { runArgs: LOUD });
    const [first] = chain.processes;
    if (first === undefined) throw new Error("there is no cloud redirector");
    cloud = first;
  });

  after(async () => {
    await stopChain(chain);
    await resources.disposeAsync();
  });

  const tenant = (...args: string[]) => expectCli(["tenant", ...args, "--json"], { home: chain.tenantHome });

  async function policy(text: string): Promise<void> {
    await writeFile(join(chain.tenantHome, "tenant", "policy.yaml"), text);
    await tenant("reload");
  }

  /** Asks for a session that a person at the tenant decides on; resolves to its id. */
  async function asked(process: DrawbridgeProcess): Promise<string> {
    return String((await process.waitForEvent("pending"))["session"]);
  }

  it("tell the whole life of a session that was approved and used, by one grep for its id", async () => {
    await policy(ASK);
    await using process = await chain.connect(["--client", "none", "--listen", "127.0.0.1:0"]);
    const id = await asked(process);
    await tenant("approve", id);
    const { port } = await process.waitForEvent("listening");
    const client = await dialLoopback(Number(port));
    client.end(SENT);
    expect((await readAll(client)).toString()).to.equal(SENT);
    const { link } = await process.waitForEvent("link-closed");
    await stopCli(process);
    await chain.tenant.waitForEvent("session-ended");

    const linkLife = ["link-requested", "link-paired", "link-ended"];
    const [begin, end] = [["session-requested", "session-pending", "session-opened"], "session-ended"];
    expect(lifeOf(id, cloud)).to.deep.equal([...begin, ...linkLife, end]);
    expect(lifeOf(id, chain.tenant)).to.deep.equal([
      "consent-asked",
      "session-opened",
      "link-opened",
      "link-closed",
      "session-ended",
    ]);
    expect(lifeOf(id, process)).to.deep.equal([
      "session-pending",
      "session-opened",
      "link-requested",
      "link-opened",
      "link-ended",
      "session-ended",
    ]);
    expect(lifeOf(String(link), cloud)).to.deep.equal(linkLife);
    const ended = logOf(cloud).find(({ event }) => event === "link-ended");
    expect(ended).to.include({ session: id, link, code: "closed" });
    expect(ended?.["toTenant"]).to.be.greaterThan(SENT.length);
    for (const each of [process, chain.tenant]) {
      const over = logOf(each).find((line) => ["link-ended", "link-closed"].includes(line.event ?? ""));
      expect(over).to.include({ session: id, link, code: "closed", toRemote: SENT.length });
    }
  });

  it("tell the life of a session that was refused, and why", async () => {
    await policy(ASK);
    await using process = await chain.connect(["--client", "none", "--listen", "127.0.0.1:0"]);
    const id = await asked(process);
    await tenant("refuse", id, "--reason", "not today");
    await process.child.exited;
    expect(lifeOf(id, cloud)).to.deep.equal(["session-requested", "session-pending", "session-ended"]);
    expect(lifeOf(id, chain.tenant)).to.deep.equal(["consent-asked", "session-refused"]);
    expect(lifeOf(id, process)).to.deep.equal(["session-pending", "session-refused"]);
    for (const each of [cloud, chain.tenant, process]) {
      const [last] = logOf(each).filter((line) => line["session"] === id && line["code"] !== undefined);
      expect(last, each.child.name).to.include({ code: "consent-refused" });
      expect(JSON.stringify(last), each.child.name).to.contain("not today");
    }
  });

  it("have the session's id on every line about a session or a link, and the link's on every one about a link", () => {
    for (const process of [cloud, chain.tenant]) {
      for (const line of logOf(process)) {
        if (/^(session|link|consent)-/.test(line.event ?? "")) expect(line, line.event).to.have.property("session");
        if (/^link-/.test(line.event ?? "")) expect(line, line.event).to.have.property("link");
      }
    }
  });

  it("hold nothing of what passed through", () => {
    for (const process of chain.processes) expect(process.child.tail()).not.to.contain(SENT);
  });

  it("say nothing on an operator's screen unless told to", async () => {
    await policy(ALLOW);
    const args = ["connect", chain.tenantName, "--client", "none", "--listen", "127.0.0.1:0", "--json"];
    await using quiet = await startCli([...args, "--log-format", "json"], { home: chain.operatorHome });
    await quiet.waitForEvent("listening");
    await stopCli(quiet);
    expect(logOf(quiet)).to.deep.equal([]);
  });
});
