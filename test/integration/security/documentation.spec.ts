import { readFile } from "node:fs/promises";
import { cloudSettingsSchema } from "../../../packages/control/src/cloud/cloud-settings.ts";
import { withRights } from "../../../scripts/print-rights.ts";
import { expect } from "chai";

const ROOT = new URL("../../../", import.meta.url);
/** A test, as the document names it: a file and a part of the title. */
const TEST = /`(test\/[\w/.-]+\.spec\.ts)`:? "([^"]+)"/g;

describe("docs/SECURITY.md", () => {
  let text: string;

  before(async () => void (text = await readFile(new URL("docs/SECURITY.md", ROOT), "utf8")));

  it("has the table of rights that is in the code (else: node scripts/print-rights.ts --write)", () => {
    expect(withRights(text)).to.equal(text);
  });

  it("has every limit with its default", () => {
    const { limits } = cloudSettingsSchema.parse({ publicAddress: "a.example:1", listen: "0.0.0.0:1" });
    const cells = text.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    for (const [name, value] of Object.entries(limits)) {
      const row = cells.find(([, first]) => first === `\`${name}\``);
      expect(row?.[2], name).to.equal(value.toLocaleString("en-US"));
    }
  });

  it("names tests that exist", async () => {
    const named = [...text.replace(/\s*\n\s*/g, " ").matchAll(TEST)];
    expect(named.length).to.be.above(30);
    for (const [, file = "", title = ""] of named) {
      expect(await readFile(new URL(file, ROOT), "utf8"), file).to.include(title);
    }
  });
});
