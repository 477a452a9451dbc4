import { fileURLToPath } from "node:url";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { type Chain, startChain, stopChain } from "../../support/chain.ts";
import { expectCli, runCli, startCli, stopCli } from "../../support/cli.ts";
import { Terminal } from "../../support/terminal.ts";
import { expectRefusal } from "./refusals.ts";
import { TargetServer } from "./target-server.ts";

const BIN = fileURLToPath(new URL("../../../packages/console-cli/bin/drawbridge.js", import.meta.url));
/** Reads the first line that a service says, and ends with 7. */
const READER = `const [,, host, port] = process.argv;
require("node:net").connect(port, host).once("data", (said) => {
  process.stdout.write("it says " + said);
  process.exit(7);
});`;

/** Asks for a password, says more after two of the status line's seconds, survives Ctrl-C, ends with 3 at the next line. */
const STUBBORN = `process.on("SIGINT", () => console.log("not me"));
process.stdin.once("data", () => process.exit(3));
process.stdout.write("password: ");
setTimeout(() => console.log("at your service"), 2_100);`;

describe("an operator's day", function () {
  this.timeout(90_000);
  let chain: Chain;
  let greeter: TargetServer;
  let folder: TemporaryFolder;
  const home = (): { home: string } => ({ home: chain.operatorHome });

  before(async () => {
    folder = await TemporaryFolder.create("day");
    greeter = await TargetServer.start((socket) => socket.end("hello\n"));
    chain = await startChain([greeter.named("greeter"), greeter.named("other")]);
    // A tenant that is enrolled and never runs.
    const { events } = await expectCli(["cloud", "invite", "tenant", "acorn", "--json"], { home: chain.cloudHome });
    await expectCli(["tenant", "enroll", String(events[0]?.["code"])], { home: folder.file("acorn") });
  });
  after(async () => {
    await stopChain(chain);
    await greeter[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const onTerminal = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Terminal =>
    new Terminal([process.execPath, BIN, ...args], { env: { ...env, DRAWBRIDGE_HOME: chain.operatorHome } });

  describe("connect", () => {
    const listen = ["--client", "none", "--listen", "127.0.0.1:0", "--target", "greeter"];

    it("takes the one tenant that a part of a name fits, and says so first", async () => {
      await using terminal = onTerminal(["connect", "ACM", ...listen]);
      await terminal.shows(/there is no tenant ACM: taking acme, the only one like it/);
      await terminal.shows(/acme\/greeter is at 127\.0\.0\.1:\d+ until this command ends/);
      await terminal.shows(/acme\/greeter .*↑ 0 B ↓ 0 B .*links 0 .*allowed by policy .*round trip \d+ms/);
      terminal.type("\u0003");
      expect(await terminal.exited(), terminal.text).to.equal(0);
      expect(terminal.text).to.match(/Session to acme\/greeter ended after .* \(the operator ended the session\): 0 B/);
    });

    it("lets a person pick where a name is ambiguous, or none was given", async () => {
      for (const words of [["ac"], []]) {
        await using terminal = onTerminal(["connect", ...words, ...listen]);
        await terminal.shows(/● acme \(online[^]*acorn/);
        terminal.type("\r");
        await terminal.shows(/acme\/greeter is at/);
        terminal.type("\u0003");
        expect(await terminal.exited(), terminal.text).to.equal(0);
      }
    });

    it("opens nothing when nothing is picked, with Enter on an empty list neither", async () => {
      await using terminal = onTerminal(["connect", "ac", ...listen]);
      await terminal.shows(/● acme/);
      terminal.type("zzz");
      await terminal.shows(/No matches found/);
      terminal.type("\r");
      await terminal.shows(/Choose one of the list/);
      terminal.type("\u0003");
      expect(await terminal.exited(), terminal.text).to.equal(5);
      expect(terminal.text).to.match(/no tenant was chosen/);
    });

    it("guesses nothing for programs, and lists what the name may mean", () =>
      expectRefusal(["connect", "acm", ...listen], home(), {
        exit: 2,
        code: "tenant-not-found",
        says: /there is no tenant acm.*Did you mean: acme\?/,
      }));

    it("shows no colour with NO_COLOR, on a terminal too", async () => {
      await using terminal = onTerminal(["connect", "acorn", ...listen], { NO_COLOR: "1" });
      expect(await terminal.exited()).to.equal(4);
      expect(terminal.raw).to.match(/drawbridge: tenant acorn has never been online/);
      // eslint-disable-next-line no-control-regex
      expect(terminal.raw).to.not.match(/\u001b\[\d+m/);
    });

    it("opens several targets, each with an address of its own, and tells them apart", async () => {
      const targets = ["--target", "greeter", "--target", "other"];
      const args = ["connect", "acme", ...targets, "--client", "none", "--listen", "127.0.0.1:0", "--json"];
      await using session = await startCli(args, home());
      const [one, other] = await Promise.all(
        ["greeter", "other"].map((target) =>
          session.waitForEvent("listening", { where: (event) => event["target"] === target }),
        ),
      );
      expect(one?.["address"]).to.not.equal(other?.["address"]);
      await stopCli(session);
      const ended = session.events.filter(({ event }) => event === "session-ended");
      expect(ended.map(({ target, code }) => [target, code])).to.have.deep.members([
        ["greeter", "closed"],
        ["other", "closed"],
      ]);
    });

    it("runs a program with the address filled in, and ends with its exit code", async () => {
      const script = folder.file("reader.cjs");
      await writeFile(script, READER);
      const args = ["connect", "acme", "--target", "greeter", "--", process.execPath, script, "{host}", "{port}"];
      const { code, stdout, tail } = await runCli(args, home());
      expect(code, tail).to.equal(7);
      expect(stdout).to.equal("it says hello");
    });

    it("leaves Ctrl-C to the program, and the session open", async () => {
      const script = folder.file("stubborn.cjs");
      await writeFile(script, STUBBORN);
      const program = [process.execPath, script, "{address}"];
      await using terminal = onTerminal(["connect", "acme", "--target", "greeter", "--", ...program]);
      await terminal.draws(/password: at your service/);
      terminal.type("\u0003");
      await terminal.shows(/not me/);
      const { events } = await expectCli(["sessions", "--json"], home());
      expect(events).to.have.length(1);
      terminal.type("done\r");
      expect(await terminal.exited(), terminal.text).to.equal(3);
      expect(terminal.text).to.match(/Session to acme\/greeter ended after/);
    });

    const wrong: [string, string[], RegExp][] = [
      ["a program without --", ["acme", "true", "{host}"], /too many arguments: a program goes behind --/],
      ["a program that gets no address", ["acme", "--", "true"], /says nowhere where the address goes/],
      ["a program that is not there", ["acme", "--", "no-such-program", "{host}"], /no-such-program is not on this/],
      [
        "a program on two targets",
        ["acme", "--target", "a", "--target", "b", "--", "true", "{host}"],
        /one target only/,
      ],
      ["two targets on one port", ["acme", "--target", "a", "--target", "b", "--listen", "127.0.0.1:9"], /on one port/],
      ["a size that is none", ["acme", "--size", "big"], /1920x1080/],
    ];
    for (const [what, args, says] of wrong) {
      it(`refuses ${what}`, async () => {
        const { code, tail } = await runCli(["connect", ...args], home());
        expect(code, tail).to.equal(2);
        expect(tail).to.match(says);
      });
    }
  });

  describe("tenants and sessions", () => {
    it("narrows tenants by text and state", async () => {
      const names = async (...args: string[]): Promise<unknown[]> =>
        (await expectCli(["tenants", "--json", ...args], home())).events.map(({ name }) => name);
      expect(await names("greet")).to.deep.equal(["acme"]);
      expect(await names("--state", "offline")).to.deep.equal(["acorn"]);
      expect(await names("AC")).to.deep.equal(["acme", "acorn"]);
      expect(await names("--group", "nobody")).to.deep.equal([]);
    });

    it("draws the watched tenants anew in their place, as wide as the terminal is", async () => {
      await using terminal = onTerminal(["tenants", "--watch"]);
      await terminal.shows(/acorn/);
      // Up by as many lines as were drawn, and nothing else is wiped.
      // eslint-disable-next-line no-control-regex
      await terminal.draws(/\u001b\[3A\r\u001b\[J/);
      expect(terminal.raw).to.not.include("\u001b[2J");
      terminal.type("\u0003");
      expect(await terminal.exited()).to.equal(0);
      for (const line of terminal.text.split("\n")) expect(line.length).to.be.at.most(101);
    });

    it("tells of sessions as they come and go", async () => {
      await using watch = await startCli(["sessions", "--watch", "--json"], home());
      const args = ["connect", "acme", "--target", "greeter", "--client", "none", "--listen", "127.0.0.1:0", "--json"];
      await using session = await startCli(args, home());
      const { session: id } = await session.waitForEvent("session-opened");
      const about = (state: string) => () =>
        watch.lines.some((line) => line.includes(String(id)) && line.includes(`"state":"${state}"`));
      await until(about("open"));
      await stopCli(session);
      await until(about("ended"));
      await stopCli(watch);
    });
  });

  describe("forward", () => {
    it("keeps ports open to several targets, and opens them again when the tenant comes back", async () => {
      const [one, two] = [await freePort(), await freePort()];
      const file = folder.file("forwards.yaml");
      await writeFile(file, `forwards:\n  - 127.0.0.1:${one}=acme/greeter\n`);
      const args = ["forward", file, "--forward", `127.0.0.1:${two}=acme/other`, "--json"];
      await using forward = await startCli(args, home());
      const isOpen = (port: number, times: number) => () =>
        forward.events.filter(({ address, state }) => address === `127.0.0.1:${port}` && state === "open").length >=
        times;
      for (const port of [one, two]) await until(isOpen(port, 1));
      await chain.tenant.stop();
      await forward.waitForEvent("forward", { where: ({ state }) => state === "waiting" });
      await chain.startTenant();
      for (const port of [one, two]) await until(isOpen(port, 2));
      await stopCli(forward);
    });

    it("shows on a terminal how each of them stands", async () => {
      const [one, two] = [await freePort(), await freePort()];
      const rules = ["--forward", `127.0.0.1:${one}=acme/greeter`, "--forward", `127.0.0.1:${two}=acorn/rdp`];
      await using terminal = onTerminal(["forward", ...rules]);
      await terminal.shows(new RegExp(`127\\.0\\.0\\.1:${one} +acme +greeter +open for`));
      await terminal.shows(/acorn +rdp +again in .*: tenant acorn has never been/);
      terminal.type("\u0003");
      expect(await terminal.exited(), terminal.text).to.equal(0);
    });

    it("does not ask again for what was refused", async () => {
      const args = ["forward", "--forward", `127.0.0.1:${await freePort()}=acme/nothing`, "--json"];
      const { code, events } = await runCli(args, home());
      expect(code).to.equal(2);
      expect(events.filter(({ event }) => event === "forward").map(({ state }) => state)).to.deep.equal([
        "opening",
        "ended",
      ]);
      expect(events.at(-1)).to.include({ event: "error", code: "target-not-found" });
    });

    for (const [what, text, says] of [
      ["what is no forward", "acme/rdp", /no forward.*13389/],
      ["a port that cannot stay", "127.0.0.1:0=acme/rdp", /cannot stay the same/],
    ] as const) {
      it(`refuses ${what}`, () =>
        expectRefusal(["forward", "--forward", text], home(), { exit: 2, code: "invalid-argument", says }));
    }
  });

  describe("whoami and config", () => {
    it("tells as whom one is enrolled, and that the provider agrees", async () => {
      const { events } = await expectCli(["whoami", "--json"], home());
      const confirmed = { event: "whoami", operator: "alice", server: "confirmed", tenants: 2, role: "operator" };
      expect(events[0]).to.include(confirmed).and.have.deep.property("groups", []);
      expect((await expectCli(["whoami"], home())).stdout).to.match(/^role: +operator$\n^groups: +all$/m);
    });

    it("tells role and groups as the provider knows them, and only what the home knows where nobody answers", async () => {
      const invite = ["cloud", "invite", "operator", "vera", "--role", "viewer", "--group", "north", "--json"];
      const { events } = await expectCli(invite, { home: chain.cloudHome });
      const vera = { home: folder.file("vera") };
      await expectCli(["operator", "enroll", String(events[0]?.["code"])], vera);
      expect((await expectCli(["whoami"], vera)).stdout).to.match(/^role: +viewer$\n^groups: +north$/m);

      const file = join(vera.home, "operator", "identity.json");
      const identity = JSON.parse(await readFile(file, "utf8")) as object;
      await writeFile(file, JSON.stringify({ ...identity, addresses: [`127.0.0.1:${await freePort()}`] }));
      const offline = await expectCli(["whoami", "--json"], vera);
      expect(offline.events[0]).to.include({ operator: "vera", provider: "demo", server: "unreachable" });
      expect(offline.events[0]).to.have.property("expires").and.not.equal(undefined);
      expect(offline.events[0]).to.not.have.any.keys("role", "groups");
      const { stdout } = await expectCli(["whoami"], vera);
      expect(stdout).to.match(/^the provider: +does not answer, so your role and groups are not known: /m);
    });

    it("keeps one's own defaults, and shows no proxy's password", async () => {
      const own = { home: folder.file("own") };
      await mkdir(join(own.home, "operator"), { recursive: true, mode: 0o700 });
      await writeFile(
        join(own.home, "operator", "network.json"),
        JSON.stringify({ proxy: "http://maria:geheim@proxy.example:3128" }),
        { mode: 0o600 },
      );
      await expectCli(["config", "set", "client", "remmina"], own);
      const { events, stdout } = await expectCli(["config", "--json"], own);
      expect(events[0]).to.include({ event: "config", client: "remmina" });
      expect(stdout).to.include("proxy.example:3128").and.not.include("geheim");
      await expectCli(["config", "unset", "client"], own);
      expect((await expectCli(["config", "--json"], own)).events[0]).to.not.have.property("client");
      const refusal = { exit: 2, code: "invalid-argument", says: /client, user, rdpSignThumbprint/ } as const;
      await expectRefusal(["config", "set", "colour", "red"], own, refusal);
    });
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (const late = Date.now() + 40_000; !holds();) {
    if (Date.now() > late) throw new Error("it did not come");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
