import { expect } from "chai";

import { md4, ntHash } from "../../../scripts/demo/desktop/nt-hash.ts";

/** RFC 1320, A.5. */
const VECTORS: readonly (readonly [string, string])[] = [
  ["", "31d6cfe0d16ae931b73c59d7e0c089c0"],
  ["a", "bde52cb31de33e46245e05fbdbd6fb24"],
  ["abc", "a448017aaf21d8525fc10ae87aa6729d"],
  ["message digest", "d9130a8164549fe818874806e1c7014b"],
  ["abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"],
  ["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043f8582f241db351ce627e153e7f0e4"],
  [
    "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
    "e33b4ddc9c38f2199c3e7b164fcc0536",
  ],
];

describe("the NT hash of the demonstration's passwords", () => {
  for (const [text, digest] of VECTORS) {
    it(`agrees with RFC 1320 on a message of ${text.length} bytes`, () => {
      expect(md4(Buffer.from(text)).toString("hex")).to.equal(digest);
    });
  }

  it("is MD4 over UTF-16", () => {
    expect(ntHash("password")).to.equal("8846f7eaee8fb117ad06bdd830b7586c");
  });
});
