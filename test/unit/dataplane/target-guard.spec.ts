import { dial, DrawbridgeError, refuseForbiddenTarget } from "@drawbridge/dataplane";
import { expect } from "chai";

describe("target guard (PEERS security 12: no way to metadata services through a target)", () => {
  const forbidden = [
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::FFFF:127.0.0.1",
    "0:0:0:0:0:ffff:7f00:1",
    "64:ff9b::a9fe:a9fe",
  ];
  for (const address of forbidden) {
    it(`refuses ${address}`, () => {
      expect(() => refuseForbiddenTarget(address)).to.throw(DrawbridgeError, address);
    });
  }

  for (const address of [
    "127.0.0.1",
    "10.1.2.3",
    "192.168.0.10",
    "192.0.2.7",
    "::1",
    "2001:db8::7",
    "fd12::1",
    "desk.example",
  ]) {
    it(`lets ${address} be`, () => {
      refuseForbiddenTarget(address);
    });
  }

  it("is asked before a target is dialled", async () => {
    const error = await dial({ host: "169.254.169.254", port: 80 }, { isTarget: true }).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "permission-denied");
  });

  it("is not in the way of names that lead elsewhere", async () => {
    // Nothing listens on port 1; what counts is that the name was resolved and the address dialled.
    const error = await dial({ host: "localhost", port: 1 }, { isTarget: true }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "dial-failed");
  });
});
