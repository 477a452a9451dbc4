import { Socket } from "node:net";
import { directPeer, peerAddress, setPeerAddress } from "@drawbridge/dataplane";
import { expect } from "chai";

/** A socket with this peer, without a connection. */
function socketFrom(remoteAddress: string, remotePort: number): Socket {
  return Object.defineProperties(new Socket(), {
    remoteAddress: { value: remoteAddress },
    remotePort: { value: remotePort },
  });
}

describe("the address of a socket's client", () => {
  it("is that of the machine at its other end, unless another was handed on with it", () => {
    const socket = socketFrom("10.0.0.5", 40_000);
    expect(peerAddress(socket)).to.deep.equal({ host: "10.0.0.5", port: 40_000 });
    setPeerAddress(socket, { host: "2001:db8::7", port: 50_000 });
    expect(peerAddress(socket)).to.deep.equal({ host: "2001:db8::7", port: 50_000 });
    expect(directPeer(socket)).to.deep.equal({ host: "10.0.0.5", port: 40_000 });
  });

  it("is written as IPv4 where it is one, so that it counts as one address on every listener", () => {
    const socket = socketFrom("::ffff:192.0.2.7", 40_000);
    expect(peerAddress(socket).host).to.equal("192.0.2.7");
    setPeerAddress(socket, { host: "::FFFF:192.0.2.8", port: 1 });
    expect(peerAddress(socket).host).to.equal("192.0.2.8");
  });

  it("is empty when the socket was gone before anybody asked", () => {
    expect(peerAddress(new Socket())).to.deep.equal({ host: "", port: 0 });
  });
});
