import { domainToASCII } from "node:url";
import { expect } from "chai";
import fc from "fast-check";
import { targetServerName } from "../../../packages/control/src/wire/target-server-name.ts";

const target = fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/);
const session = fc.string({ minLength: 1, maxLength: 32 });

describe("the server name of a link's end-to-end handshake", () => {
  it("is the documented one", () => {
    expect(targetServerName("s-1", "rdp")).to.equal("b4bf0a87f57c2a2e8715742aca79c2bf.target.drawbridge.internal");
  });

  it("is a host name whatever the target is called, and shows neither target nor session", () => {
    fc.assert(
      fc.property(session, target, (id, name) => {
        const text = targetServerName(id, name);
        expect(text).to.match(/^[0-9a-f]{32}\.target\.drawbridge\.internal$/);
        expect(domainToASCII(text)).to.equal(text);
      }),
    );
  });

  it("is another for every other session and target", () => {
    fc.assert(
      fc.property(session, target, session, target, (id, name, otherId, otherName) => {
        const isSame = id === otherId && name === otherName;
        expect(targetServerName(id, name) === targetServerName(otherId, otherName)).to.equal(isSame);
      }),
    );
  });
});
