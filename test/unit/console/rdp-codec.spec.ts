import { expect } from "chai";
import fc from "fast-check";
import {
  ConnectionConfirmReader,
  type ConfirmProgress,
  MAX_CONFIRM_BYTES,
} from "../../../packages/console-cli/src/rdp/connection-confirm.ts";
import { encodeConnectionRequest } from "../../../packages/console-cli/src/rdp/connection-request.ts";
import { describeBytes } from "../../../packages/console-cli/src/rdp/describe-bytes.ts";
import { confirmBytes, LEGACY_CONFIRM, RDP_NEG_FAILURE, RDP_NEG_RSP } from "../../support/rdp-bytes.ts";

/** What a reader makes of bytes that come in these chunks. */
function readAll(chunks: readonly Uint8Array[]): ConfirmProgress {
  const reader = new ConnectionConfirmReader();
  let progress: ConfirmProgress = { state: "incomplete" };
  for (const chunk of chunks) {
    progress = reader.push(chunk);
    if (progress.state !== "incomplete") return progress;
  }
  return progress;
}

const answerTo = (bytes: Buffer) => {
  const progress = readAll([bytes]);
  return progress.state === "complete" ? progress.answer : progress.state;
};

describe("the RDP connection request", () => {
  it("is the specification's, byte for byte", () => {
    // [MS-RDPBCGR] 4.1.1 without its cookie, for TLS, and for all that clients offer.
    expect(encodeConnectionRequest(["tls"]).toString("hex")).to.equal("030000130ee000000000000100080001000000");
    expect(encodeConnectionRequest(["tls", "nla", "nla-ex"]).toString("hex")).to.equal(
      "030000130ee00000000000010008000b000000",
    );
    expect(encodeConnectionRequest(["rdp"]).toString("hex")).to.equal("030000130ee000000000000100080000000000");
  });
});

describe("the RDP connection confirm", () => {
  it("tells the protocol that the server selected", () => {
    const selected = (value: number) => answerTo(confirmBytes(RDP_NEG_RSP, value));
    expect(selected(0)).to.deep.equal({ kind: "selected", protocol: "rdp" });
    expect(selected(1)).to.deep.equal({ kind: "selected", protocol: "tls" });
    expect(selected(2)).to.deep.equal({ kind: "selected", protocol: "nla" });
    expect(selected(4)).to.deep.equal({ kind: "selected", protocol: "rdstls" });
    expect(selected(8)).to.deep.equal({ kind: "selected", protocol: "nla-ex" });
    expect(selected(3)).to.equal("not-rdp");
  });

  it("reads the specification's example, whose flags are set", () => {
    // [MS-RDPBCGR] 4.1.2.
    const example = Buffer.from("030000130ed000001234000209080002000000", "hex");
    expect(answerTo(example)).to.deep.equal({ kind: "selected", protocol: "nla" });
  });

  it("tells why the server refuses", () => {
    const refused = (value: number) => answerTo(confirmBytes(RDP_NEG_FAILURE, value));
    expect(refused(1)).to.deep.equal({ kind: "failure", failure: "tls-required" });
    expect(refused(3)).to.deep.equal({ kind: "failure", failure: "no-certificate" });
    expect(refused(5)).to.deep.equal({ kind: "failure", failure: "nla-required" });
    expect(refused(99)).to.deep.equal({ kind: "failure", failure: "unknown" });
  });

  it("takes one without a negotiation for a server that is older than it", () => {
    expect(answerTo(LEGACY_CONFIRM)).to.deep.equal({ kind: "legacy" });
  });

  it("reads the same from every split, and gives back what follows", () => {
    for (const confirm of [confirmBytes(RDP_NEG_RSP, 2), confirmBytes(RDP_NEG_FAILURE, 5), LEGACY_CONFIRM]) {
      const whole = readAll([confirm]);
      const bytes = Buffer.concat([confirm, Buffer.from("rest")]);
      for (let at = 1; at < bytes.length; at++) {
        const progress = readAll([bytes.subarray(0, at), bytes.subarray(at)]);
        expect(progress.state, `split at ${at}`).to.equal("complete");
        if (progress.state !== "complete" || whole.state !== "complete") continue;
        expect(progress.answer).to.deep.equal(whole.answer);
        // The bytes of the chunk that completed it; later chunks are nobody's business here.
        const end = at >= confirm.length ? at : bytes.length;
        expect(progress.rest).to.deep.equal(bytes.subarray(confirm.length, end));
      }
      const singly = readAll([...confirm].map((byte) => Uint8Array.of(byte)));
      expect(singly).to.deep.equal(whole);
    }
  });

  it("outlives any bytes in any pieces, holds few of them, and is done with other protocols at once", () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { maxLength: 8 });
    const property = fc.property(chunks, fc.boolean(), (list, isDressed) => {
      const dressed = isDressed ? [Uint8Array.of(3, 0), ...list] : list;
      const reader = new ConnectionConfirmReader();
      for (const chunk of dressed) {
        const progress = reader.push(chunk);
        expect(reader.received.length).to.be.at.most(MAX_CONFIRM_BYTES);
        if (progress.state !== "incomplete") return;
      }
      expect(reader.received.length).to.be.at.most(MAX_CONFIRM_BYTES);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("never takes more than its length says, and refuses lengths that no confirm has", () => {
    for (const length of [0, 4, 10, MAX_CONFIRM_BYTES + 1, 0xffff]) {
      const bytes = confirmBytes(RDP_NEG_RSP, 1);
      bytes.writeUInt16BE(length, 2);
      // So that nothing but the length is wrong.
      bytes.writeUInt8(Math.max(0, length - 5) & 0xff, 4);
      expect(readAll([bytes]).state, `length ${length}`).to.equal("not-rdp");
    }
    const request = encodeConnectionRequest(["tls"]);
    expect(readAll([request]).state, "our own request, echoed").to.equal("not-rdp");
  });
});

describe("the description of what is no RDP server", () => {
  it("names what it knows, and never prints a byte that is not printable", () => {
    expect(describeBytes(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"))).to.equal(
      'an HTTP server ("HTTP/1.1 400 Bad Request")',
    );
    expect(describeBytes(Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"))).to.equal('an SSH server ("SSH-2.0-OpenSSH_9.2")');
    expect(describeBytes(Buffer.from("15030100020246", "hex"))).to.equal("a TLS server (15030100020246)");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 256 }), (bytes) => {
        expect(describeBytes(Buffer.from(bytes))).to.match(/^[ -~…]{1,100}$/);
      }),
    );
  });
});
