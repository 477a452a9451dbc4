import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { DrawbridgeProcess } from "../../../scripts/demo/drawbridge.ts";
import type { Chain } from "../../support/chain.ts";
import { startChain, stopChain } from "../../support/chain.ts";
import { expectCli } from "../../support/cli.ts";
import { expectBothRefusals, expectRefusal } from "./refusals.ts";

const run = promisify(execFile);

/** Each command that needs a home, and the role whose home it is. */
const NEEDS_HOME: [string, string[]][] = [
  ["cloud", ["cloud", "run"]],
  ["cloud", ["cloud", "invite", "tenant", "x"]],
  ["cloud", ["audit", "verify"]],
  ["tenant", ["tenant", "run"]],
  ["tenant", ["tenant", "fingerprint"]],
  ["operator", ["tenants"]],
  ["operator", ["connect", "acme", "--client", "none"]],
  ["operator", ["sessions"]],
  ["operator", ["sessions", "end", "x"]],
  ["operator", ["revoke", "tenant", "acme"]],
  ["operator", ["audit"]],
  ["operator", ["operator", "forget", "acme"]],
];

describe("homes on the command line", function () {
  this.timeout(60_000);
  let chain: Chain;
  let folder: string;
  const damaged = async (role: "cloud" | "tenant" | "operator", name: string): Promise<string> => {
    const home = join(folder, name);
    await cp(chain[`${role}Home`], home, { recursive: true, filter: (source) => !source.endsWith(".sock") });
    return home;
  };

  before(async () => {
    chain = await startChain(["rdp=127.0.0.1:9"]);
    folder = join(chain.operatorHome, "..", "damaged");
    await mkdir(folder);
  });
  after(() => stopChain(chain));

  for (const [role, args] of NEEDS_HOME) {
    it(`says for ${args.slice(0, 2).join(" ")} that the home is another role's`, async () => {
      const says = new RegExp(`${role}.*(drawbridge cloud init|enroll CODE).*--home`);
      const expected = { exit: 2, code: "home-missing", says } as const;
      const other = role === "tenant" ? chain.operatorHome : chain.tenantHome;
      await expectRefusal(args, { home: other }, expected);
    });
  }

  it("says that there is no home", async () => {
    const code = "home-missing";
    const home = join(folder, "nowhere");
    await expectBothRefusals(["cloud", "run"], { home }, { exit: 2, code, says: /not the home.*cloud init.*--home/ });
    await expectBothRefusals(["tenants"], { home }, { exit: 2, code, says: /nobody has enrolled.*enroll CODE/ });
  });

  it("says where the home is when it was given a role's folder", async () => {
    for (const [role, args] of [
      ["operator", ["whoami"]],
      ["tenant", ["tenant", "fingerprint"]],
    ] as const) {
      const home = join(chain[`${role}Home`], role);
      const says = new RegExp(
        `nobody has enrolled.*${home} is the folder of one role.*--home ${chain[`${role}Home`]}\\.`,
      );
      await expectRefusal(args, { home }, { exit: 2, code: "home-missing", says });
    }
  });

  it("leaves no folder behind where an enrolment failed, and one that was there as it is", async () => {
    const { events } = await chain.cloud(["cloud", "invite", "operator", "bob", "--json"]);
    const input = String(events[0]?.["code"]);
    const home = join(folder, "bob");
    await expectCli(["operator", "enroll", "-"], { home, input });
    const spent = join(folder, "spent");
    const says = /invite/;
    await expectRefusal(["operator", "enroll", "-"], { home: spent, input }, { exit: 3, code: "invite-invalid", says });
    expect(await readdir(spent)).to.deep.equal([]);
    await mkdir(join(spent, "operator"), { mode: 0o700 });
    await expectRefusal(["operator", "enroll", "-"], { home: spent, input }, { exit: 3, code: "invite-invalid", says });
    expect(await readdir(spent)).to.deep.equal(["operator"]);
  });

  it("lets one process run on a home", async () => {
    const code = "address-in-use";
    const listen = ["--listen", "127.0.0.1:0"];
    const cloud = { exit: 2, code, says: /another `drawbridge cloud run` is running on .*Stop that one/ } as const;
    await expectRefusal(["cloud", "run", ...listen], { home: chain.cloudHome }, cloud);
    const tenant = { exit: 2, code, says: /another `drawbridge tenant run` is running on .*tenant status/ } as const;
    await expectRefusal(["tenant", "run"], { home: chain.tenantHome }, tenant);
  });

  it("refuses to set up a home that is there", async () => {
    const code = "home-exists";
    const init = { exit: 2, code, says: /is the home of a cloud redirector already.*--home/ } as const;
    await expectRefusal(["cloud", "init"], { home: chain.cloudHome }, init);
    const input = String((await chain.cloud(["cloud", "invite", "tenant", "spare", "--json"])).events[0]?.["code"]);
    const enrol = { exit: 2, code, says: /enrolled already, as tenant acme of demo.*--replace/ } as const;
    await expectRefusal(["tenant", "enroll", "-"], { home: chain.tenantHome, input }, enrol);
    const operator = { exit: 2, code, says: /enrolled already, as operator alice of demo.*--replace/ } as const;
    await expectRefusal(["operator", "enroll", "-"], { home: chain.operatorHome, input }, operator);
    // The code is good still, and --replace takes it.
    const home = await damaged("tenant", "replaced");
    await expectCli(["tenant", "enroll", "-", "--replace"], { home, input });
    const { stdout } = await expectCli(["tenant", "fingerprint", "--json"], { home });
    expect(stdout).to.contain('"name":"spare"');
  });

  const broken: ["cloud" | "tenant" | "operator", string, string[]][] = [
    ["cloud", "settings.json", ["cloud", "run"]],
    ["cloud", "ca.pem", ["cloud", "run"]],
    ["cloud", "server.pem", ["cloud", "run"]],
    ["cloud", "drawbridge.db", ["cloud", "run"]],
    ["tenant", "settings.json", ["tenant", "run"]],
    ["tenant", "identity.json", ["tenant", "run"]],
    ["operator", "identity.json", ["tenants"]],
    ["operator", "key.pem", ["tenants"]],
    ["operator", "certificate.pem", ["tenants"]],
    ["operator", "authorities.pem", ["tenants"]],
  ];
  for (const [role, file, args] of broken) {
    it(`names ${file} of a ${role}'s home when it is damaged, and when others may read it`, async () => {
      const home = await damaged(role, `${role}-${file}`);
      const path = join(home, role, file);
      await writeFile(path, "junk, and not what belongs here");
      const says = (what: string): RegExp => new RegExp(`${path.replaceAll(".", "\\.")}.*${what}`);
      await expectRefusal(args, { home }, { exit: 2, code: "home-invalid", says: says(".*\\. [A-Z]") });
      await chmod(path, 0o644);
      await expectRefusal(args, { home }, { exit: 2, code: "home-invalid", says: says("mode 0644.*chmod 600") });
    });
  }

  it("names a setting that is not right", async () => {
    const home = await damaged("cloud", "setting");
    const file = join(home, "cloud", "settings.json");
    const listen = "127.0.0.1:0";
    const cases: [string, RegExp][] = [
      [JSON.stringify({ publicAddress: "nowhere", listen }), /: publicAddress: "nowhere" is not an address/],
      [
        JSON.stringify({ publicAddress: "a:1", listen, sesions: {} }),
        /: there is no setting sesions\. Correct the file/,
      ],
      [JSON.stringify({ publicAddress: "a:1" }), /: listen is missing\./],
      ['{ "publicAddress": "a:1"\n  "listen": "a:1" }', /: it is not JSON: line 2, column 3\./],
    ];
    for (const [text, what] of cases) {
      await writeFile(file, text);
      const says = new RegExp(`settings\\.json cannot be used${what.source}`);
      await expectRefusal(["cloud", "invite", "tenant", "x"], { home }, { exit: 2, code: "home-invalid", says });
    }
  });

  it("refuses a provider's name and addresses that are none", async () => {
    const home = join(folder, "fresh");
    const cases: [string[], RegExp][] = [
      [["--name", "Example"], /"Example" has capital letters\. Use "example"/],
      [["--name", "a/b"], /has the character "\/"/],
      [["--public-address", "host"], /"host" is not an address: the port is missing/],
      [["--public-address", "host:0"], /port 0/],
    ];
    for (const [args, says] of cases) {
      await expectRefusal(["cloud", "init", ...args], { home }, { exit: 2, code: "invalid-argument", says });
    }
  });

  it("keeps every file of every home to its owner", async () => {
    for (const home of [chain.cloudHome, chain.tenantHome, chain.operatorHome]) {
      for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        const mode = (await stat(path)).mode & 0o777;
        expect(mode.toString(8), path).to.equal(entry.isDirectory() ? "700" : "600");
      }
    }
  });

  it("says that the disk is full before it spends an invite code", async function () {
    const disk = join(folder, "disk");
    await mkdir(disk);
    try {
      await run("mount", ["-t", "tmpfs", "-o", "size=32k", "tmpfs", disk]);
    } catch {
      this.skip(); // Only root may mount a small disk.
    }
    try {
      const home = join(disk, "home");
      const says = /disk is full.*Free some space/;
      await expectRefusal(["cloud", "init"], { home: join(disk, "cloud") }, { exit: 5, code: "limit-exceeded", says });
      await run("rm", ["-rf", join(disk, "cloud")]);
      const { events } = await chain.cloud(["cloud", "invite", "tenant", "full", "--json"]);
      const input = String(events[0]?.["code"]);
      await expectRefusal(["tenant", "enroll", "-"], { home, input }, { exit: 5, code: "limit-exceeded", says });
      await using elsewhere = await DrawbridgeProcess.start(["tenant", "enroll", "-"], {
        home: join(folder, "ok"),
        input,
      });
      expect((await elsewhere.ended()).code).to.equal(0);
    } finally {
      await run("umount", [disk]);
    }
  });
});
