import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { Child } from "../../scripts/demo/child.ts";
import { TemporaryFolder } from "../../scripts/demo/temporary-folder.ts";
import { processesMentioning } from "../support/processes.ts";
import { desktopSuite } from "./desktop-suite.ts";

const MAIN = fileURLToPath(new URL("../../scripts/demo/main.ts", import.meta.url));
const STEPS_BEFORE_END = ["1", "1", "2", "3", "4", "5"];
const PNG_SIGNATURE = "89504e470d0a1a0a";

/** A run of the demonstration, without a display, that keeps all of its files below `folder`. */
function startDemonstration(folder: TemporaryFolder, onLine: (line: string) => void, args: string[]): Promise<Child> {
  const { DISPLAY: _, WAYLAND_DISPLAY: __, CI: ___, ...env } = process.env;
  return Child.start({
    name: "the demonstration",
    command: process.execPath,
    args: [MAIN, "--demo-desktop", ...args],
    cwd: folder.path,
    env: { ...env, TMPDIR: folder.path },
    onLine,
  });
}

desktopSuite("npm start, where there is no display", () => {
  it("shows the eight steps, writes a screenshot, and leaves nothing behind", async () => {
    await using folder = await TemporaryFolder.create("demonstration");
    const lines: string[] = [];
    await using demonstration = await startDemonstration(folder, (line) => lines.push(line), ["--once"]);
    const { code } = await demonstration.exited;

    expect(code, demonstration.tail()).to.equal(0);
    const steps = lines.flatMap((line) => /^\[ *[\d.]+ s\] (\d) /.exec(line)?.[1] ?? []);
    expect(steps.slice(0, STEPS_BEFORE_END.length)).to.deep.equal(STEPS_BEFORE_END);
    expect(steps).to.include.members(["6", "7", "8"]);

    const file = folder.file("drawbridge-screenshot.png");
    expect(lines.join("\n")).to.include(`Screenshot: ${file}`);
    expect((await readFile(file)).subarray(0, 8).toString("hex")).to.equal(PNG_SIGNATURE);
    expect(await readdir(folder.path), "files").to.deep.equal(["drawbridge-screenshot.png"]);
    expect(processesMentioning(folder.path), "processes").to.deep.equal([]);
  });

  for (const moment of ["the demonstration desktop is up", "1 acme's tenant redirector holds", "the session's bytes"]) {
    it(`ends cleanly when interrupted at "${moment}"`, async () => {
      await using folder = await TemporaryFolder.create("demonstration");
      const seen = Promise.withResolvers<undefined>();
      const onLine = (line: string) => {
        if (line.includes(moment)) seen.resolve(undefined);
      };
      await using demonstration = await startDemonstration(folder, onLine, []);
      await Promise.race([seen.promise, demonstration.exited]);
      demonstration.signal("SIGINT");

      expect(await demonstration.exited, demonstration.tail()).to.deep.equal({ code: 0, signal: null });
      const files = await readdir(folder.path);
      expect(files.filter((file) => file !== "drawbridge-screenshot.png")).to.deep.equal([]);
      expect(processesMentioning(folder.path), "processes").to.deep.equal([]);
    });
  }
});
