import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { clientOrder, detectClient, requireClient } from "../../../packages/console-cli/src/clients/detect.ts";
import { customClient } from "../../../packages/console-cli/src/clients/custom.ts";
import { findExecutable } from "../../../packages/console-cli/src/clients/find-executable.ts";
import type { ClientEnvironment } from "../../../packages/console-cli/src/clients/client-environment.ts";

async function failure(promise: Promise<unknown>): Promise<DrawbridgeError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(DrawbridgeError);
  return error as DrawbridgeError;
}

describe("detectClient", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "drawbridge-detect-"));
  });
  after(() => rm(folder, { recursive: true }));

  /** A machine whose PATH holds just these programs. */
  async function machine(
    programs: readonly string[],
    variables: Record<string, string> = { DISPLAY: ":9" },
  ): Promise<ClientEnvironment> {
    const bin = await mkdtemp(path.join(folder, "bin-"));
    for (const program of programs) {
      const file = path.join(bin, program);
      await writeFile(file, `#!/bin/sh\necho "This is FreeRDP version 3.15.0 (n/a)"\nexit 1\n`);
      await chmod(file, 0o755);
    }
    return { platform: "linux", variables: { ...variables, PATH: `/nowhere:${bin}` } };
  }

  it("prefers xfreerdp3, then xfreerdp, then remmina on Linux", async () => {
    const chosen = async (...programs: string[]): Promise<string> =>
      path.basename((await detectClient("auto", await machine(programs))).path);
    expect(await chosen("remmina", "xfreerdp", "xfreerdp3")).to.equal("xfreerdp3");
    expect(await chosen("remmina", "xfreerdp")).to.equal("xfreerdp");
    expect(await chosen("remmina")).to.equal("remmina");
  });

  it("asks FreeRDP for its version, whatever its exit code", async () => {
    expect((await detectClient("auto", await machine(["xfreerdp"]))).version).to.equal("3.15.0");
  });

  it("takes a FreeRDP that can draw on Wayland where that is all there is", async () => {
    const environment = await machine(["xfreerdp3", "wlfreerdp3"], { WAYLAND_DISPLAY: "wayland-0" });
    expect(path.basename((await detectClient("xfreerdp", environment)).path)).to.equal("wlfreerdp3");
  });

  it("proposes --client none where there is no display", async () => {
    for (const choice of ["auto", "xfreerdp", "remmina"]) {
      const error = await failure(detectClient(choice, await machine(["xfreerdp", "remmina"], {})));
      expect(error.code).to.equal("invalid-argument");
      expect(error.message).to.match(/no display/);
      expect(error.remedy).to.match(/--client none/);
    }
  });

  it("names what to install where nothing is found", async () => {
    const auto = await failure(detectClient("auto", await machine([])));
    expect(auto.message).to.match(/no RDP client is installed/);
    expect(auto.remedy).to.match(/FreeRDP.*--client none/);
    const named = await failure(detectClient("remmina", await machine(["xfreerdp"])));
    expect(named.message).to.match(/remmina is not installed/);
    expect(named.remedy).to.match(/remmina-plugin-rdp/);
    expect((await failure(detectClient("mstsc", await machine(["mstsc.exe"])))).remedy).to.match(/part of Windows/);
    const custom = customClient("my-client {address}");
    expect((await failure(requireClient(custom, await machine([])))).remedy).to.match(/Install my-client/);
  });

  it("refuses a client that it does not know, naming those it knows", async () => {
    const error = await failure(detectClient("telnet", await machine([])));
    expect(error.code).to.equal("invalid-argument");
    expect(error.remedy).to.include("auto, none, mstsc, xfreerdp, remmina, macos-app");
  });

  it("reaches Windows's mstsc from WSL, without a display, when nothing else is there", async () => {
    const environment = await machine(["mstsc.exe"], { WSL_DISTRO_NAME: "Debian" });
    expect((await detectClient("auto", environment)).name).to.equal("mstsc");
    const both = await machine(["mstsc.exe", "xfreerdp"], { WSL_DISTRO_NAME: "Debian", DISPLAY: ":0" });
    expect((await detectClient("auto", both)).name).to.equal("xfreerdp");
  });

  it("has an order for every platform", () => {
    const names = (platform: NodeJS.Platform): string[] =>
      clientOrder({ platform, variables: {} }).map(({ name }) => name);
    expect(names("win32")).to.deep.equal(["mstsc", "xfreerdp"]);
    expect(names("darwin")).to.deep.equal(["macos-app", "xfreerdp"]);
    expect(names("freebsd")).to.deep.equal(["xfreerdp", "remmina"]);
  });

  it("finds the macOS app's absence", async () => {
    const environment: ClientEnvironment = { platform: "darwin", variables: { HOME: folder, PATH: "" } };
    expect((await failure(detectClient("macos-app", environment))).remedy).to.match(/Windows App/);
  });

  it("takes neither folders, nor files that cannot be run, nor relative folders of PATH", async () => {
    const environment = await machine([]);
    const bin = environment.variables["PATH"]!.split(":")[1]!;
    await mkdir(path.join(bin, "xfreerdp"));
    await writeFile(path.join(bin, "remmina"), "", { mode: 0o644 });
    expect(await findExecutable(["xfreerdp", "remmina"], environment)).to.equal(undefined);
    const relative = { ...environment, variables: { PATH: `:.:${path.relative(process.cwd(), "/bin")}` } };
    expect(await findExecutable(["sh"], relative)).to.equal(undefined);
  });
});
