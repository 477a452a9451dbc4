import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { until } from "../../../scripts/demo/until.ts";
import type { Chain } from "../../support/chain.ts";
import { openSession, startChain, stopChain } from "../../support/chain.ts";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import { expectCli, runCli, startCli, stopCli } from "../../support/cli.ts";
import { closedOf, dialLoopback } from "../../support/dataplane-sockets.ts";
import { expectBothRefusals, expectRefusal } from "./refusals.ts";

describe("sessions that cannot be", function () {
  this.timeout(90_000);
  let chain: Chain;
  const operator = (): { home: string } => ({ home: chain.operatorHome });
  const connect = (...args: string[]): string[] => ["connect", "--client", "none", ...args];

  before(async () => {
    // Nothing listens at the target.
    chain = await startChain([`rdp=127.0.0.1:${await freePort()}`]);
  });
  after(() => stopChain(chain));

  const wrong: [string, string[], string, RegExp][] = [
    ["an unknown tenant", ["nobody"], "tenant-not-found", /no tenant nobody that you may reach.*`drawbridge tenants`/],
    ["a tenant in capitals", ["ACME"], "invalid-argument", /"ACME" has capital letters. Use "acme"/],
    ["a tenant with a slash", ["a/b"], "invalid-argument", /has the character "\/"/],
    ["a tenant without a name", [""], "invalid-argument", /the name is empty/],
    ["an unknown target", ["acme", "--target", "nope"], "target-not-found", /acme has no target nope.*offers: rdp/],
    ["an address that others reach", ["acme", "--listen", "0.0.0.0:0"], "invalid-argument", /0\.0\.0\.0.*loopback/],
    ["an address that is none", ["acme", "--listen", "127.0.0.1:99999"], "invalid-argument", /0 to 65535/],
    ["an unknown client", ["acme", "--client", "foo"], "invalid-argument", /"foo" is not an RDP client.*Choose one of/],
  ];
  for (const [what, args, code, says] of wrong) {
    it(`refuses ${what}`, () => expectRefusal(connect(...args), operator(), { exit: 2, code, says }));
  }

  it("says that there is no display before it asks anybody", async function () {
    if (process.platform !== "linux") this.skip();
    const env = { DISPLAY: "", WAYLAND_DISPLAY: "" };
    const says = /no display.*--client none/;
    await expectRefusal(["connect", "acme"], { ...operator(), env }, { exit: 2, code: "invalid-argument", says });
  });

  it("says that a port is in use, for connect and for cloud run", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const listen = ["--listen", `127.0.0.1:${(server.address() as AddressInfo).port}`];
    const expected = { exit: 2, code: "address-in-use", says: /127\.0\.0\.1:\d+ is in use.*another port/ } as const;
    await expectRefusal(connect("acme", ...listen), operator(), expected);
    const home = join(chain.cloudHome, "..", "other-cloud");
    await expectCli(["cloud", "init"], { home });
    await expectRefusal(["cloud", "run", ...listen], { home }, expected);
    server.close();
  });

  it("closes the client's connection when the target refuses, and says why", async () => {
    await using session = await openSession(chain);
    const client = await dialLoopback(session.port);
    await closedOf(client);
    const closed = await session.process.waitForEvent("link-closed");
    expect(closed["code"]).to.equal("target-unreachable");
    expect(closed["message"]).to.match(/target rdp does not answer: 127\.0\.0\.1:\d+ refused the connection/);
    await stopCli(session.process);
  });

  it("tells people why a link ended, on standard error", async () => {
    await using session = await startCli(connect("acme", "--listen", "127.0.0.1:0"), operator());
    const port = await portOf(session);
    const client = await dialLoopback(port);
    await closedOf(client);
    await stopCli(session);
    expect(session.child.tail()).to.match(/drawbridge: a link ended: target rdp does not answer/);
  });

  it("gives up on a tenant that has stopped to answer, within bounded time", async () => {
    chain.tenant.child.signal("SIGSTOP");
    try {
      const result = await runCli([...connect("acme"), "--json"], operator());
      expect(result.code, result.tail).to.equal(4);
      expect(result.events.at(-1)).to.include({ event: "error" });
      expect(result.events.at(-1)?.["message"]).to.match(/acme (did not answer|went offline|has been offline)/);
    } finally {
      chain.tenant.child.signal("SIGCONT");
    }
    await chain.waitForTenant("online");
  });

  it("says that a tenant is offline, and since when", async () => {
    await chain.stopTenant();
    const says = /acme has been offline since 20.*`drawbridge tenant run`/;
    await expectBothRefusals(connect("acme"), operator(), { exit: 4, code: "tenant-offline", says });
    await chain.startTenant();
  });

  it("says for every command of an operator that the server is down", async () => {
    const [cloud] = chain.processes;
    await cloud?.stop();
    const says = /127\.0\.0\.1:\d+ refused the connection.*cloud run/;
    const commands = [connect("acme"), ["tenants"], ["tenants", "--watch"], ["sessions"], ["audit"]];
    await Promise.all(commands.map((args) => expectRefusal(args, operator(), { exit: 4, code: "unavailable", says })));
  });
});

/** The port of a session that speaks to people. */
async function portOf(session: DrawbridgeProcess): Promise<number> {
  const find = (): number | undefined => {
    const port = session.lines.map((line) => / is at 127\.0\.0\.1:(\d+)/.exec(line)?.[1]).find(Boolean);
    return port === undefined ? undefined : Number(port);
  };
  return until(() => Promise.resolve(find()), { what: "the session's address", timeoutMs: 30_000, intervalMs: 50 });
}
