import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { expectCli } from "../../support/cli.ts";
import { expectBothRefusals, expectRefusal } from "./refusals.ts";

const BIN = fileURLToPath(new URL("../../../packages/console-cli/bin/drawbridge.js", import.meta.url));

describe("the command line", () => {
  let folder: TemporaryFolder;
  const home = (): { home: string } => ({ home: folder.file("home") });

  before(async () => {
    folder = await TemporaryFolder.create("cli");
  });
  after(() => folder[Symbol.asyncDispose]());

  const wrong: [string, string[], RegExp][] = [
    ["an unknown command", ["frob"], /unknown command 'frob'.*See `drawbridge --help`\.$/],
    ["an unknown subcommand", ["cloud", "frob"], /unknown command 'frob'.*See `drawbridge cloud --help`\.$/],
    [
      "a subcommand without its group",
      ["enroll", "x"],
      /Did you mean `drawbridge tenant enroll` or `drawbridge operator/,
    ],
    ["a home that is empty", ["tenants", "--home", ""], /'--home <dir>' argument '' is invalid\. Name a folder/],
    [
      "a misspelt option",
      ["connect", "acme", "--hoem"],
      /unknown option '--hoem'\. \(?Did you mean --home\?.*connect --help/,
    ],
    ["a missing argument", ["connect"], /missing required argument 'tenant'.*`drawbridge connect --help`/],
    ["an argument too many", ["connect", "a", "b"], /too many arguments/],
    ["an invalid kind", ["cloud", "invite", "frog", "x"], /Allowed choices are tenant, operator/],
    ["an invalid role", ["cloud", "invite", "operator", "x", "--role", "god"], /Allowed choices are viewer, operator/],
    ["an invalid time", ["cloud", "invite", "operator", "x", "--expires", "soon"], /'soon' is invalid.*30m or 24h/],
    ["a reason that is too long", ["connect", "acme", "--reason", "x".repeat(1_025)], /1025 bytes, more than 1024/],
    ["a date that is none", ["audit", "--since", "yesterdayish"], /Write a date and time/],
    [
      "an option that the subcommand does not have",
      ["audit", "--tenant", "a", "verify"],
      /--tenant does not belong here/,
    ],
  ];
  for (const [index, [what, args, says]] of wrong.entries()) {
    // Both forms are made at one place from the same error: a few of them stand for all.
    const expectIt = index < 3 ? expectBothRefusals : expectRefusal;
    it(`refuses ${what} with one line and code 2`, () =>
      expectIt(args, home(), { exit: 2, code: "invalid-argument", says }));
  }

  it("gives a subcommand the options before and after its name", async () => {
    const named = folder.file("named");
    const expected = { exit: 2, code: "home-missing", says: new RegExp(`${named}/cloud`) } as const;
    await expectRefusal(["audit", "verify", "--home", named], home(), expected);
    await expectRefusal(["audit", "--home", named, "verify"], home(), expected);
    const other = { ...expected, says: new RegExp(`${named}/operator`) };
    await expectRefusal(["sessions", "end", "x", "--home", named], home(), other);
  });

  it("fails where what it prints is lost on a full disk", async function () {
    const full = await open("/dev/full", "w").catch(() => this.skip());
    try {
      const child = spawn(process.execPath, [BIN, "config"], {
        env: { ...process.env, DRAWBRIDGE_HOME: home().home },
        stdio: ["ignore", full.fd, "pipe"],
      });
      const closed = once(child, "close") as Promise<[number | null]>;
      const [complaints, [code]] = await Promise.all([text(child.stderr as Readable), closed]);
      expect({ code, complaints }).to.deep.equal({
        code: 5,
        complaints:
          "drawbridge: standard output cannot be written: the disk is full or the quota is used up. " +
          "Free some space on this disk, then try again.\n",
      });
    } finally {
      await full.close();
    }
  });

  it("shows the help on standard error and exits 2 where a command needs a subcommand", async () => {
    const { stdout, tail } = await expectCli(["cloud"], home(), 2);
    expect(stdout).to.equal("");
    expect(tail).to.match(/Usage: drawbridge cloud/);
  });

  it("prints the help on standard output where it is asked for", async () => {
    for (const words of [[], ["connect"], ["cloud", "invite"]]) {
      const { stdout } = await expectCli([...words, "--help"], home());
      expect(stdout).to.contain(`Usage: ${["drawbridge", ...words].join(" ")} [options]`);
    }
  });
});
