import { expect } from "chai";
import { z } from "zod";
import { parseSettings } from "../../../packages/control/src/wire/settings.ts";
import { thrown } from "../identity/thrown.ts";

const schema = z.strictObject({ listen: z.string(), limit: z.number().default(3) });
const parse = (text: string) => () => parseSettings(schema, text, "/home/x/settings.json");

describe("settings", () => {
  it("are read with their defaults", () => {
    expect(parse('{"listen":"127.0.0.1:0"}')()).to.deep.equal({ listen: "127.0.0.1:0", limit: 3 });
  });

  for (const [what, text, part] of [
    ["a file that is no JSON", "{", "not JSON"],
    ["an empty file", "", "not JSON"],
    ["a missing field", "{}", "listen"],
    ["a field of the wrong type", '{"listen":1}', "listen"],
    ["a field that nothing reads", '{"listen":"x","lisen":"y"}', "lisen"],
  ] as const) {
    it(`refuse ${what}, naming the file and what is wrong, in one line`, async () => {
      const error = await thrown(parse(text));
      expect(error.code).to.equal("home-invalid");
      expect(error.message).to.contain("/home/x/settings.json").and.to.contain(part);
      expect(error.message).not.to.contain("\n");
      expect(error.remedy).not.to.equal("");
    });
  }
});
