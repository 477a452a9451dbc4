import { HandshakeToken } from "@drawbridge/dataplane";
import { expect } from "chai";
import { format, inspect } from "node:util";

describe("handshake token", () => {
  it("is new every time, and 32 bytes long", () => {
    const tokens = Array.from({ length: 100 }, () => HandshakeToken.generate());
    expect(new Set(tokens.map((token) => token.digest())).size).to.equal(100);
    expect(tokens[0]!.bytes).to.have.length(32);
  });

  it("has the SHA-256 of its bytes as digest", () => {
    const token = HandshakeToken.fromBytes(Buffer.alloc(32));
    expect(token.digest()).to.equal("66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
  });

  it("cannot be changed from outside", () => {
    const bytes = Buffer.alloc(32, 7);
    const token = HandshakeToken.fromBytes(bytes);
    bytes.fill(0);
    token.bytes.fill(0);
    expect(token.bytes.equals(Buffer.alloc(32, 7))).to.equal(true);
  });

  it("is refused when it has any other length", () => {
    for (const length of [0, 31, 33]) {
      expect(() => HandshakeToken.fromBytes(Buffer.alloc(length)))
        .to.throw()
        .with.property("code", "token-invalid");
    }
  });

  it("is never printed", () => {
    const token = HandshakeToken.fromBytes(Buffer.alloc(32, "K"));
    const printed = [
      String(token),
      JSON.stringify({ token }),
      inspect({ token }, { showHidden: true }),
      format("%o %s", token, token),
    ];
    for (const text of printed) {
      expect(text).to.include("[redacted]");
      expect(text).to.not.match(/KKK|4b4b|75, 75/);
    }
  });
});
