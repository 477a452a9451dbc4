import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { customClient, customCommand } from "../../../packages/console-cli/src/clients/custom.ts";
import { macosAppCommand } from "../../../packages/console-cli/src/clients/macos-app.ts";
import { rdpSignArguments } from "../../../packages/console-cli/src/clients/start-client.ts";
import { mstscCommand } from "../../../packages/console-cli/src/clients/mstsc.ts";
import { parseVersion } from "../../../packages/console-cli/src/clients/probe-version.ts";
import type { ClientTarget } from "../../../packages/console-cli/src/clients/rdp-client.ts";
import { remminaCommand } from "../../../packages/console-cli/src/clients/remmina.ts";
import { xfreerdpCommand } from "../../../packages/console-cli/src/clients/xfreerdp.ts";

const bare: ClientTarget = { address: { host: "127.0.0.1", port: 40001 }, extraArgs: [] };
const full: ClientTarget = {
  address: { host: "::1", port: 40001 },
  user: "ACME\\ada",
  size: { width: 1280, height: 720 },
  title: "acme",
  extraArgs: ["/x", "two words"],
};
const certificate = { pem: "", fingerprint: "ab:cd", name: "WIN-1", notAfter: 0 };
/** Everything that can be asked for, but another size. */
const options: ClientTarget = {
  ...bare,
  user: "ada",
  multiMonitor: true,
  clipboard: false,
  drive: "/home/ada/files",
  admin: true,
  certificate,
  profilePath: "/tmp/d/session.rdp",
};

describe("the command line of", () => {
  it("mstsc", () => {
    expect(mstscCommand("mstsc.exe", bare, false)).to.deep.equal({
      file: "mstsc.exe",
      args: ["/v:127.0.0.1:40001"],
      notes: [],
      endsWithItself: true,
    });
    const { args, notes } = mstscCommand("mstsc.exe", full, true);
    expect(args).to.deep.equal(["/v:[::1]:40001", "/w:1280", "/h:720", "/x", "two words"]);
    expect(notes).to.have.length(2);
    const plain = { ...bare, fullScreen: true, admin: true, profilePath: "C:\\t\\session.rdp" };
    expect(mstscCommand("mstsc.exe", plain, false)).to.deep.include({ args: ["/v:127.0.0.1:40001", "/f", "/admin"] });
  });

  it("mstsc with an .rdp file, where options need one", () => {
    const command = mstscCommand("mstsc.exe", { ...options, drive: "d:" }, false);
    expect(command.args).to.deep.equal(["/tmp/d/session.rdp", "/multimon", "/admin"]);
    expect(command.notes).to.deep.equal([
      'If mstsc asks about the server\'s certificate: the right one is of "WIN-1", SHA-256 ab:cd.',
    ]);
    expect(command.profile?.encoding).to.equal("utf16le");
    expect(command.profile?.text).to.equal(
      [
        "\ufefffull address:s:127.0.0.1:40001",
        "authentication level:i:2",
        "gatewayusagemethod:i:0",
        "gatewayprofileusagemethod:i:1",
        "screen mode id:i:2",
        "username:s:ada",
        "use multimon:i:1",
        "redirectclipboard:i:0",
        "drivestoredirect:s:D:\\;",
        "administrative session:i:1",
        "",
      ].join("\r\n"),
    );
    expect(mstscCommand("mstsc.exe", options, false).notes.join(" ")).to.match(/whole drives only/);
    const fromWsl = mstscCommand("mstsc.exe", options, true);
    expect(fromWsl.profile).to.equal(undefined);
    expect(fromWsl.notes.join(" ")).to.match(/no user name.*clipboard/);
  });

  it("mstsc, refusing a value that would begin a line of its own in the .rdp file", () => {
    const evil = { ...options, user: "ada\r\nalternate shell:s:cmd" };
    expect(() => mstscCommand("mstsc.exe", evil, false))
      .to.throw(DrawbridgeError)
      .with.property("code", "invalid-argument");
    expect(() => remminaCommand("remmina", evil))
      .to.throw(DrawbridgeError)
      .with.property("code", "invalid-argument");
  });

  it("rdpsign", () => {
    expect(rdpSignArguments("C:\\t\\session.rdp", "ab".repeat(20))).to.deep.equal([
      "/sha256",
      "AB".repeat(20),
      "C:\\t\\session.rdp",
    ]);
  });

  it("xfreerdp 2, 3, and one that did not say", () => {
    for (const version of ["2.0.0", "2.11.7", "3.15.0", undefined]) {
      expect(xfreerdpCommand("/usr/bin/xfreerdp", version, bare), version).to.deep.equal({
        file: "/usr/bin/xfreerdp",
        args: ["/v:127.0.0.1:40001", "/dynamic-resolution", "/cert:tofu"],
        notes: [],
        endsWithItself: true,
      });
    }
    expect(xfreerdpCommand("xfreerdp3", "3.15.0", full).args).to.deep.equal([
      "/v:[::1]:40001",
      "/u:ACME\\ada",
      "/size:1280x720",
      "/cert:tofu",
      "/t:acme",
      "/x",
      "two words",
    ]);
  });

  it("xfreerdp with every option and a certificate that was seen, and no other", () => {
    expect(xfreerdpCommand("xfreerdp", "2.11.7", options).args).to.deep.equal([
      "/v:127.0.0.1:40001",
      "/u:ada",
      "/f",
      "/multimon",
      "/cert:deny,fingerprint:sha256:ab:cd",
      "-clipboard",
      "/drive:drawbridge,/home/ada/files",
      "/admin",
    ]);
    expect(() => xfreerdpCommand("xfreerdp", "2.11.7", { ...options, drive: "/a,b" })).to.throw(/comma/);
  });

  it("xfreerdp before 2.0, which asks about certificates", () => {
    for (const version of ["1.1.0-beta1", "2.0.0-rc4"]) {
      const { args, notes } = xfreerdpCommand("xfreerdp", version, { ...bare, certificate });
      expect(args.join(" ")).to.not.match(/cert/);
      expect(notes).to.have.length(1);
    }
  });

  it("xfreerdp 2.0 to 2.2, which may know no fingerprints", () => {
    const { args, notes } = xfreerdpCommand("xfreerdp", "2.2.0", { ...bare, certificate });
    expect(args).to.include("/cert:tofu");
    expect(notes).to.have.length(1);
  });

  it("every client, none of which accepts any certificate blindly", () => {
    for (const target of [bare, full, options]) {
      const commands = [
        mstscCommand("mstsc", target, false),
        ...["1.2.0", "2.11.7", "3.15.0", undefined].map((version) => xfreerdpCommand("xfreerdp", version, target)),
        remminaCommand("remmina", target),
        macosAppCommand("open", target),
      ];
      for (const { args, profile } of commands) {
        expect([...args, profile?.text ?? ""].join(" ")).to.not.match(/ignore(?!=0)|authentication level:i:0/);
      }
    }
  });

  it("xfreerdp with the operator's own choice of certificate check and size", () => {
    const extraArgs = ["/cert:fingerprint:sha256:00ff", "/smart-sizing"];
    expect(xfreerdpCommand("xfreerdp", "3.0.0", { ...bare, extraArgs }).args).to.deep.equal([
      "/v:127.0.0.1:40001",
      ...extraArgs,
    ]);
    expect(xfreerdpCommand("xfreerdp", "3.0.0", { ...bare, extraArgs: ["/f"] }).args).not.to.include(
      "/dynamic-resolution",
    );
    expect(xfreerdpCommand("xfreerdp", "3.0.0", { ...bare, extraArgs: ["-fonts"] }).args).to.include(
      "/dynamic-resolution",
    );
  });

  it("remmina", () => {
    expect(remminaCommand("remmina", bare)).to.deep.equal({
      file: "remmina",
      args: ["-c", "rdp://127.0.0.1:40001"],
      notes: [],
      endsWithItself: false,
    });
    const { args, notes } = remminaCommand("remmina", full);
    expect(args).to.deep.equal(["-c", "rdp://ACME%5Cada@[::1]:40001", "/x", "two words"]);
    expect(notes).to.have.length(1);
  });

  it("remmina with a profile, where options need one", () => {
    const command = remminaCommand("remmina", { ...options, size: { width: 800, height: 600 } });
    expect(command.args).to.deep.equal(["-c", "/tmp/d/session.rdp"]);
    expect(command.profile?.text).to.equal(
      [
        "[remmina]",
        "name=127.0.0.1:40001",
        "protocol=RDP",
        "server=127.0.0.1:40001",
        "username=ada",
        "cert_ignore=0",
        "resolution_mode=0",
        "resolution_width=800",
        "resolution_height=600",
        "multimon=1",
        "disableclipboard=1",
        "sharefolder=/home/ada/files",
        "console=1",
        "",
      ].join("\n"),
    );
    expect(command.notes).to.have.length(1);
  });

  it("the macOS app", () => {
    expect(macosAppCommand("/usr/bin/open", bare)).to.deep.equal({
      file: "/usr/bin/open",
      args: ["rdp://full%20address=s:127.0.0.1:40001"],
      notes: [],
      endsWithItself: false,
    });
    expect(macosAppCommand("/usr/bin/open", { ...full, extraArgs: [] }).args).to.deep.equal([
      "rdp://full%20address=s:[::1]:40001&username=s:ACME%5Cada&desktopwidth=i:1280&desktopheight=i:720",
    ]);
    const { args, notes } = macosAppCommand("/usr/bin/open", options);
    expect(args).to.deep.equal([
      "rdp://full%20address=s:127.0.0.1:40001&username=s:ada&screen%20mode%20id=i:2&drivestoredirect=s:*" +
        "&connect%20to%20console=i:1",
    ]);
    expect(notes).to.have.length(4);
  });

  it("a client of the operator's own", () => {
    const words = ["--to={address}", "{host}", "{port}", "{user}", "{else}"];
    expect(customCommand("/opt/rdp", words, full).args).to.deep.equal([
      "--to=[::1]:40001",
      "::1",
      "40001",
      "ACME\\ada",
      "{else}",
      "/x",
      "two words",
    ]);
  });
});

describe("customClient", () => {
  const argsOf = async (template: string, target = bare): Promise<readonly string[] | undefined> => {
    const found = await customClient(template).find({ platform: process.platform, variables: {} });
    return found?.command(target).args;
  };
  const node = `"${process.execPath}"`;

  it("splits at spaces outside quotes and knows no shell", async () => {
    expect(await argsOf(`${node}  -a 'b c' d"e "f "" $HOME;rm C:\\x {address}`)).to.deep.equal([
      "-a",
      "b c",
      "de f",
      "",
      "$HOME;rm",
      "C:\\x",
      "127.0.0.1:40001",
    ]);
  });

  it("keeps a value within its word", async () => {
    const target = { ...bare, user: "a b' --evil {port}" };
    expect(await argsOf(`${node} -u {user} {host}`, target)).to.deep.equal(["-u", "a b' --evil {port}", "127.0.0.1"]);
  });

  it("refuses a template without program, without address, or with an open quote", () => {
    for (const template of [
      "",
      "   ",
      "client --port {port}",
      "client 'x {address}",
      `c {address}${"x".repeat(5_000)}`,
    ]) {
      expect(() => customClient(template), template)
        .to.throw(DrawbridgeError)
        .with.property("code", "invalid-argument");
    }
  });
});

describe("parseVersion", () => {
  it("reads what FreeRDP's programs print", () => {
    expect(parseVersion("This is FreeRDP version 2.11.7 (2.11.7)\n")).to.equal("2.11.7");
    expect(parseVersion("This is FreeRDP version 3.15.0-dev0 (n/a)")).to.equal("3.15.0-dev0");
    expect(parseVersion("This is FreeRDP version 2.0.0-rc4 (2.0.0-rc4)")).to.equal("2.0.0-rc4");
    expect(parseVersion("cannot open display")).to.equal(undefined);
  });
});
