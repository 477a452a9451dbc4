import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { expectCli, runCli } from "../../support/cli.ts";
import { NOBODY_UID, otherUserIt } from "../../support/other-user.ts";
import { peerSuite } from "../../support/peer-suite.ts";
import { expectBothRefusals, expectRefusal } from "./refusals.ts";

const run = promisify(execFile);
const EXECUTABLE = new URL("../../../packages/console-cli/bin/drawbridge.js", import.meta.url).pathname;
const SYSTEMD = ["--platform", "systemd"];
/** The exposure that `systemd-analyze security` may see, of 10. It was 1.9 for root and less for others. */
const MOST_EXPOSURE = 2;

const ROLES: [string, string[]][] = [
  ["cloud", []],
  ["tenant", []],
  ["gateway", ["--listen", ":443", "--cloud", "10.0.0.1:8443,10.0.0.2:8443"]],
];
const install = (role: string, ...args: string[]): string[] => {
  const own = ROLES.find(([name]) => name === role)?.[1] ?? [];
  return [role, "install-service", ...SYSTEMD, ...own, ...args];
};

describe("install-service", function () {
  this.timeout(30_000);
  let folder: TemporaryFolder;
  let root: string;
  /** Else the home that the tests give every command. */
  const home = "";
  const unitFile = (role: string): string => join(root, "etc/systemd/system", `drawbridge-${role}.service`);

  beforeEach(async () => {
    folder = await TemporaryFolder.create("services");
    root = folder.file("root");
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  for (const [role] of ROLES) {
    it(`shows what it would write for the ${role}, and writes nothing`, async () => {
      const { stdout } = await expectCli(install(role, "--print", "--root", root), { home });
      expect(stdout).to.contain(`drawbridge.js ${role} run`).and.to.contain("NoNewPrivileges=yes");
      expect(await readdir(folder.path)).to.deep.equal([]);
    });
  }

  it("writes what it shows, for everybody to read, and says what to do next", async () => {
    const shown = await expectCli(install("tenant", "--print"), { home });
    const { stdout } = await expectCli(install("tenant", "--root", root), { home });
    expect(await readFile(unitFile("tenant"), "utf8")).to.equal(`${shown.stdout}\n`);
    expect((await stat(unitFile("tenant"))).mode & 0o777).to.equal(0o644);
    expect(stdout)
      .to.contain("systemd-sysusers --inline 'u drawbridge-tenant -")
      .and.to.contain("tenant enroll CODE")
      .and.to.contain("systemctl enable --now drawbridge-tenant")
      .and.to.contain("journalctl -u drawbridge-tenant")
      .and.to.match(/sudo -u drawbridge-tenant .* tenant status --home \/var\/lib\/drawbridge-tenant/);
  });

  it("says the same as JSON", async () => {
    const { events } = await expectCli([...install("cloud", "--root", root), "--json"], { home });
    expect(events).to.have.length(1);
    expect(events[0]).to.include({
      event: "service-installed",
      done: "written",
      platform: "systemd",
      name: "drawbridge-cloud",
      path: unitFile("cloud"),
      user: "drawbridge-cloud",
      home: "/var/lib/drawbridge-cloud",
    });
    expect(events[0]?.["start"]).to.include("sudo systemctl daemon-reload");
  });

  it("changes nothing the second time, and replaces another definition only when told to", async () => {
    await expectCli(install("tenant", "--root", root), { home });
    const again = await expectCli([...install("tenant", "--root", root), "--json"], { home });
    expect(again.events[0]).to.include({ done: "unchanged" });
    const other = install("tenant", "--root", root, "--home", "/srv/tenant");
    const says = /is there already and differs: line \d+ is "ExecStart=.*--print.*--force/;
    await expectBothRefusals(other, { home }, { exit: 2, code: "invalid-argument", says });
    expect(await readFile(unitFile("tenant"), "utf8")).not.to.contain("/srv/tenant");
    const forced = await expectCli([...other, "--force", "--json"], { home });
    expect(forced.events[0]).to.include({ done: "replaced" });
    expect(await readFile(unitFile("tenant"), "utf8")).to.contain("ReadWritePaths=/srv/tenant");
    expect(await readdir(dirname(unitFile("tenant")))).to.deep.equal(["drawbridge-tenant.service"]);
  });

  it("lets a cloud redirector have a port below 1024 where its settings name one", async () => {
    const print = async (...args: string[]): Promise<string> =>
      (await expectCli(install("cloud", "--print", ...args), { home: folder.path })).stdout;
    expect(await print()).not.to.contain("CAP_NET_BIND_SERVICE");
    await mkdir(folder.file("cloud"));
    await writeFile(folder.file("cloud/settings.json"), JSON.stringify({ listen: "0.0.0.0:443" }));
    expect(await print()).to.contain("AmbientCapabilities=CAP_NET_BIND_SERVICE");
    expect(await print("--listen", "0.0.0.0:8443")).not.to.contain("CAP_NET_BIND_SERVICE");
  });

  it("passes on what `run` is told, and waits longer for a longer drain", async () => {
    const { stdout } = await expectCli(install("gateway", "--print", "--drain", "30m"), { home });
    expect(stdout).to.contain("gateway run --listen :443 --cloud 10.0.0.1:8443,10.0.0.2:8443 --drain 30m\n");
    expect(stdout).to.contain("TimeoutStopSec=1860\n").and.to.contain("DynamicUser=yes\n");
  });

  it("says whose home it is when it is not the service's, and what the account may not read", async () => {
    await mkdir(folder.file("tenant"));
    const { events } = await expectCli([...install("tenant", "--print"), "--json"], { home: folder.path });
    expect(events[0]?.["start"]).to.include(`sudo chown -R drawbridge-tenant: ${folder.path}`);
    // The folder is this user's alone.
    const program = folder.file("drawbridge.js");
    await writeFile(program, `import(${JSON.stringify(EXECUTABLE)});`);
    const args = [program, ...install("tenant", "--print"), "--json"];
    const { stdout } = await run(process.execPath, args);
    expect(JSON.stringify((JSON.parse(stdout) as { warnings: string[] }).warnings)).to.contain(
      `drawbridge-tenant may not use ${folder.path}`,
    );
  });

  it("refuses names and options that are none", async () => {
    const cases: [string[], RegExp][] = [
      [install("tenant", "--print", "--name", "../x"), /"\.\.\/x" cannot be a service's name/],
      [install("tenant", "--print", "--user", "a b"), /"a b" cannot be an account's name/],
      [install("tenant", "--print", "--home", "/a\nb"), /control character/],
      [["gateway", "install-service", "--print"], /--listen/],
      [install("gateway", "--drain", "soon"), /Write a number/],
      [install("cloud", "--listen", "nowhere"), /HOST:PORT/],
      [["tenant", "install-service", "--platform", "windows"], /this machine has systemd.*--print/],
    ];
    for (const [args, says] of cases) {
      if (args.includes("windows") && process.platform !== "linux") continue;
      await expectRefusal(args, { home }, { exit: 2, code: "invalid-argument", says });
    }
  });

  otherUserIt("refuses without the right to write there, and says what to do", async () => {
    await mkdir(root, { mode: 0o755 });
    await chmod(folder.path, 0o755);
    const user = { uid: NOBODY_UID, gid: NOBODY_UID, cwd: "/", env: {} };
    const args = [EXECUTABLE, ...install("tenant", "--root", root), "--json"];
    const error: unknown = await run(process.execPath, args, user).catch((failure: unknown) => failure);
    expect(error).to.include({ code: 3 });
    const { code, message, remedy } = JSON.parse((error as { stdout: string }).stdout) as Record<string, string>;
    expect(code).to.equal("permission-denied");
    expect(message).to.contain("may not be changed by this user");
    expect(remedy).to.match(/sudo.*--print/);
    await run(process.execPath, [EXECUTABLE, ...install("tenant", "--print")], user);
  });

  it("takes away what it wrote, and nothing else", async () => {
    const uninstall = ["tenant", "uninstall-service", ...SYSTEMD, "--root", root];
    await expectRefusal(uninstall, { home }, { exit: 2, code: "invalid-argument", says: /there is no .*--name/ });
    await expectCli(install("tenant", "--root", root), { home });
    const { stdout } = await expectCli(uninstall, { home });
    expect(stdout).to.contain("systemctl disable --now drawbridge-tenant");
    expect(await readdir(dirname(unitFile("tenant")))).to.deep.equal([]);
    await writeFile(unitFile("tenant"), "[Service]\n");
    const says = /was not written by Drawbridge.*by hand/;
    await expectRefusal(uninstall, { home }, { exit: 2, code: "invalid-argument", says });
    expect(await readFile(unitFile("tenant"), "utf8")).to.equal("[Service]\n");
  });

  peerSuite("for systemd", ["systemd-analyze"], () => {
    const verify = (file: string): Promise<{ stderr: string }> => run("systemd-analyze", ["verify", file]);

    for (const [role] of ROLES) {
      it(`is accepted by systemd-analyze for the ${role}, and leaves little open`, async () => {
        await expectCli(install(role, "--root", root), { home });
        expect((await verify(unitFile(role))).stderr).not.to.contain("drawbridge");
        const most = `--threshold=${MOST_EXPOSURE * 10}`;
        await run("systemd-analyze", ["security", "--no-pager", "--offline=yes", most, unitFile(role)]);
      });
    }

    it("is accepted with paths that need quoting", async () => {
      const odd = join(root, `it's 100% $HOME "odd" \\ ä`);
      await expectCli(install("tenant", "--root", root, "--home", odd), { home });
      expect((await verify(unitFile("tenant"))).stderr).not.to.contain("drawbridge");
    });

    it("is refused by systemd-analyze when it is damaged: the check can fail", async () => {
      await expectCli(install("tenant", "--root", root), { home });
      const unit = await readFile(unitFile("tenant"), "utf8");
      await writeFile(unitFile("tenant"), unit.replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"));
      expect((await verify(unitFile("tenant"))).stderr).to.contain("NoNewPrivilege");
    });
  });

  peerSuite("for other platforms", ["python3"], () => {
    const parse = async (script: string, text: string): Promise<unknown> => {
      const file = folder.file("definition");
      await writeFile(file, text);
      const { stdout } = await run("python3", ["-c", script, file]);
      return JSON.parse(stdout);
    };
    const print = async (role: string, platform: string): Promise<string> => {
      const own = install(role, "--print", "--home", "/srv/<odd> & 'quoted'").filter((word) => word !== "systemd");
      const args = own.toSpliced(own.indexOf("--platform") + 1, 0, platform);
      return (await runCli(args, { home })).stdout;
    };

    for (const [role] of ROLES) {
      it(`is a property list that says what launchd is to run for the ${role}`, async () => {
        const script = "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))";
        const list = (await parse(script, await print(role, "launchd"))) as Record<string, unknown>;
        expect(list).to.deep.include({ Label: `drawbridge-${role}`, UserName: `_drawbridge-${role}`, RunAtLoad: true });
        expect(list["KeepAlive"]).to.deep.equal({ SuccessfulExit: false });
        const program = list["ProgramArguments"] as string[];
        expect(program.slice(0, 4)).to.deep.equal([process.execPath, EXECUTABLE, role, "run"]);
        if (role !== "gateway") expect(program).to.include("/srv/<odd> & 'quoted'");
      });

      it(`is XML that says what WinSW is to run for the ${role}`, async () => {
        const script =
          "import json,sys,xml.etree.ElementTree as e; r=e.parse(sys.argv[1]).getroot();" +
          "print(json.dumps([r.tag, r.findtext('id'), r.findtext('executable')] + [a.text for a in r.iter('argument')]))";
        const words = (await parse(script, await print(role, "windows"))) as string[];
        expect(words.slice(0, 3)).to.deep.equal(["service", `drawbridge-${role}`, process.execPath]);
        expect(words.slice(3, 6)).to.deep.equal([EXECUTABLE, role, "run"]);
      });
    }
  });
});
