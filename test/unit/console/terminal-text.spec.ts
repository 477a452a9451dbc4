import { expect } from "chai";
import fc from "fast-check";
import { plain, plainJson, plainText } from "../../../packages/console-cli/src/rendering/terminal-text.ts";

describe("plainText", () => {
  it("shows escape sequences instead of passing them to the terminal", () => {
    expect(plainText("\u001b]0;owned\u0007\u001b[2J")).to.equal("\\x1b]0;owned\\x07\\x1b[2J");
    expect(plainText("\u009b31m")).to.equal("\\x9b31m");
  });

  it("keeps a name on one line", () => {
    expect(plainText("a\r\nb\tc\u2028d")).to.equal("a\\x0d\\nb\\tc\\u2028d");
  });

  it("shows what would rearrange the line", () => {
    expect(plainText("acme\u202efdp.exe")).to.equal("acme\\u202efdp.exe");
    expect(plainText("\ud800")).to.equal("\\ud800");
  });

  it("leaves ordinary text of any script alone", () => {
    for (const text of ["acme-gmbh", "Zürich", "東京支店", "офис", "👩‍💻", "a\\x1b"])
      expect(plainText(text)).to.equal(text);
  });

  it("lets no control character through, whatever comes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(plainText(text)).not.to.match(/[\p{Cc}\p{Cs}]/u);
      }),
    );
  });
});

describe("plain", () => {
  it("neutralises what is inserted and leaves the template's own text", () => {
    expect(plain`\u001b[1m${"\u001b[31mx"}\u001b[22m ${3}`).to.equal("\u001b[1m\\x1b[31mx\u001b[22m 3");
  });
});

describe("plainJson", () => {
  it("keeps the value and lets no control character through", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const json = plainJson(JSON.stringify({ text }));
        expect(json).not.to.match(/\p{Cc}/u);
        expect(JSON.parse(json)).to.deep.equal({ text });
      }),
    );
  });
});
