import { ERROR_CODES } from "@drawbridge/dataplane";
import { expect } from "chai";
import { EXIT, EXIT_CODES } from "../../../packages/console-cli/src/exit-codes.ts";

describe("exit codes", () => {
  it("are the design's", () => {
    expect(EXIT).to.deep.equal({ done: 0, wrongUse: 2, refused: 3, unreachable: 4, failed: 5 });
  });

  it("exist for every error code, and none of them says that all went well", () => {
    expect(Object.keys(EXIT_CODES).sort()).to.deep.equal([...ERROR_CODES].sort());
    for (const code of ERROR_CODES) expect(EXIT_CODES[code], code).to.be.oneOf([2, 3, 4, 5]);
  });

  it("tell wrong use, refusal, silence and failure apart", () => {
    expect(EXIT_CODES["invalid-argument"]).to.equal(2);
    expect(EXIT_CODES["home-missing"]).to.equal(2);
    expect(EXIT_CODES["permission-denied"]).to.equal(3);
    expect(EXIT_CODES["consent-refused"]).to.equal(3);
    expect(EXIT_CODES["invite-invalid"]).to.equal(3);
    expect(EXIT_CODES["tenant-offline"]).to.equal(4);
    expect(EXIT_CODES["target-unreachable"]).to.equal(4);
    expect(EXIT_CODES["tenant-lost"]).to.equal(5);
    expect(EXIT_CODES.internal).to.equal(5);
  });
});
