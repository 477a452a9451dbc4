import { readFile } from "node:fs/promises";
import { glob } from "node:fs/promises";
import { cloudSettingsSchema } from "../../../packages/control/src/cloud/cloud-settings.ts";
import { expect } from "chai";

const SOURCES = new URL("../../../packages/control/src/cloud/", import.meta.url);

/** The settings' own file and their documentation do not read them. */
const NOT_A_READER = "cloud-settings.ts";

describe("the cloud redirector's settings", () => {
  const { limits, sessions, ...others } = cloudSettingsSchema.parse({ publicAddress: "a:1", listen: "b:2" });

  it("PEERS security 15: none is documented that nothing reads", async () => {
    const names = [...Object.keys(others), ...Object.keys(limits), ...Object.keys(sessions), "longest", "idle"];
    const sources: string[] = [];
    for await (const file of glob("**/*.ts", { cwd: SOURCES.pathname })) {
      if (!file.endsWith(NOT_A_READER)) sources.push(await readFile(new URL(file, SOURCES), "utf8"));
    }
    const text = sources.join("\n");
    const unread = names.filter(
      (name) => !new RegExp(`(limits|sessions|settings)\\.${name}\\b|[{,]\\s*${name}\\b`).test(text),
    );
    expect(unread).to.deep.equal([]);
  });
});
