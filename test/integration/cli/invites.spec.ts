import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { decodeInviteCode, encodeInviteCode } from "@drawbridge/control/identity";
import { freePort } from "../../../scripts/demo/free-port.ts";
import type { Chain } from "../../support/chain.ts";
import { startChain, stopChain } from "../../support/chain.ts";
import { expectCli, runCli } from "../../support/cli.ts";
import { expectRefusal } from "./refusals.ts";

describe("invite codes on the command line", function () {
  this.timeout(60_000);
  let chain: Chain;
  let homes = 0;
  const freshHome = (): string => join(chain.operatorHome, "..", `fresh-${++homes}`);
  const invite = async (...args: string[]): Promise<string> => {
    const { events } = await chain.cloud(["cloud", "invite", ...args, "--json"]);
    return String(events[0]?.["code"]);
  };
  const refused = (input: string, exit: 2 | 3 | 4, code: string, says: RegExp, kind = "tenant"): Promise<void> =>
    expectRefusal([kind, "enroll", "-"], { home: freshHome(), input }, { exit, code, says });
  /** The same code, but of a server at another address. */
  const readdressed = (code: string, port: number): string =>
    encodeInviteCode({ ...decodeInviteCode(code), addresses: [`127.0.0.1:${port}`] });

  before(async () => {
    chain = await startChain(["rdp=127.0.0.1:9"]);
  });
  after(() => stopChain(chain));

  it("refuses a code that was mistyped, cut off, or is none, and says so", async () => {
    const code = await invite("tenant", "mistyped");
    const middle = Math.floor(code.length / 2);
    const other = code[middle] === "A" ? "B" : "A";
    await refused(code.slice(0, middle) + other + code.slice(middle + 1), 3, "invite-invalid", /mistyped.*whole code/);
    await refused(code.slice(0, -9), 3, "invite-invalid", /cut off or mistyped.*whole code/);
    await refused("password123", 3, "invite-invalid", /not an invite code: it does not begin with DBI1-/);
    await refused("DBI1-\u{1f600}", 3, "invite-invalid", /mistyped: it cannot contain/);
    await refused("\n", 3, "invite-invalid", /no invite code came on standard input.*Pipe/);
    await refused("x".repeat(100_000), 3, "invite-invalid", /too long for an invite code/);
  });

  it("refuses a code that was spent, even twice at once", async () => {
    const code = await invite("tenant", "spent");
    const enrol = (): Promise<{ code: number | null }> =>
      runCli(["tenant", "enroll", "-"], { home: freshHome(), input: code });
    const ends = await Promise.all([enrol(), enrol()]);
    expect(ends.map((end) => end.code).sort()).to.deep.equal([0, 3]);
    await refused(
      code,
      3,
      "invite-invalid",
      /the invite for tenant spent was redeemed already, at 20.*new invite code/,
    );
  });

  it("refuses a code that has expired", async () => {
    const code = await invite("tenant", "late", "--expires", "1m");
    const store = new DatabaseSync(join(chain.cloudHome, "cloud", "drawbridge.db"));
    store.prepare("UPDATE invites SET expires_at = created_at + 1 WHERE name = 'late'").run();
    store.close();
    await refused(code, 3, "invite-invalid", /the invite for tenant late expired at 20.*new invite code/);
  });

  it("refuses a code of the other kind, which stays good", async () => {
    const code = await invite("tenant", "kind");
    await refused(code, 3, "invite-invalid", /tenant kind cannot enrol an operator.*still good/, "operator");
    await expectCli(["tenant", "enroll", "-"], { home: freshHome(), input: code });
  });

  it("PEERS security 10: says that a server is down, another one, or silent, and leaves the code good", async () => {
    const code = await invite("tenant", "lost");
    await using http = await Listening.start(createHttpServer((_request, response) => response.end("hello")));
    await using silent = await Listening.start(createServer());
    const other = /does not speak Drawbridge's protocol.*another service/;
    const forged = encodeInviteCode({ ...decodeInviteCode(code), caFingerprint: Buffer.alloc(32, 7) });
    await Promise.all([
      refused(readdressed(code, await freePort()), 4, "dial-failed", /127\.0\.0\.1:\d+ refused the connection.*Check/),
      refused(readdressed(code, http.port), 4, "unavailable", other),
      refused(readdressed(code, silent.port), 4, "unavailable", other),
      refused(forged, 3, "certificate-invalid", /is not the provider that made this code.*in between/),
    ]);
    await expectCli(["tenant", "enroll", "-"], { home: freshHome(), input: code });
  });

  it("refuses names, groups, roles and times that are none", async () => {
    const cases: [string[], RegExp][] = [
      [["tenant", "ACME"], /the name "ACME" has capital letters\. Use "acme"/],
      [["tenant", "a/b"], /has the character "\/"\. Use lower-case letters/],
      [["tenant", ""], /the name is empty/],
      [["tenant", "x", "--role", "admin"], /a tenant has no role/],
      [["operator", "x", "--groups", "A,b"], /the group name "A" has capital letters/],
      [["operator", "x", "--groups", ""], /the group name is empty/],
      [["operator", "x", "--expires", "0s"], /1 minute to 30 days/],
      [["operator", "x", "--expires", "31d"], /1 minute to 30 days/],
    ];
    for (const [args, says] of cases) {
      const expected = { exit: 2, code: "invalid-argument", says } as const;
      await expectRefusal(["cloud", "invite", ...args], { home: chain.cloudHome }, expected);
    }
  });

  it("refuses targets that are none without spending the code", async () => {
    const input = await invite("tenant", "targets");
    const cases: [string, RegExp][] = [
      ["rdp", /"rdp" is no target.*rdp=127\.0\.0\.1:3389/],
      ["RDP=127.0.0.1:1", /is no target.*lower-case/],
      ["rdp=127.0.0.1", /the port is missing/],
      ["rdp=127.0.0.1:0", /port 0 cannot be dialled/],
    ];
    for (const [target, says] of cases) {
      const expected = { exit: 2, code: "invalid-argument", says } as const;
      await expectRefusal(["tenant", "enroll", "-", "--target", target], { home: freshHome(), input }, expected);
    }
    await expectCli(["tenant", "enroll", "-"], { home: freshHome(), input });
  });
});

/** A server of another kind, which ends with its connections. */
class Listening implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(server: Server): Promise<Listening> {
    const listening = new Listening(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return listening;
  }

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket.on("error", () => {}));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
