import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { TLSSocket } from "node:tls";
import { X509Certificate } from "node:crypto";
import { dial, DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { probeRdp, probeRdpWithin, type ProbeResult } from "../../../packages/console-cli/src/rdp/probe-rdp.ts";
import { describeSecurity, surveyRdp } from "../../../packages/console-cli/src/rdp/survey-rdp.ts";
import { TestAuthority, type TestIdentity } from "../../support/certificates.ts";
import { thrown } from "../identity/thrown.ts";
import { confirmBytes, LEGACY_CONFIRM, RDP_NEG_FAILURE, RDP_NEG_RSP } from "../../support/rdp-bytes.ts";

/** Never fires: mocha's own timeout ends a test that hangs. */
const { signal } = new AbortController();

/** What a server does with a connection whose request has come. */
type Serve = (socket: Socket, request: Buffer) => void;

/** Runs a server on loopback for the time of some work. */
async function served<Result>(
  serve: Serve,
  work: (dialServer: () => Promise<Socket>) => Promise<Result>,
): Promise<Result> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.once("data", (request: Buffer) => serve(socket, request));
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await work(() => dial({ host: "127.0.0.1", port }));
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, "close");
  }
}

const ask = (serve: Serve): Promise<ProbeResult> =>
  served(serve, async (dialServer) => probeRdp(await dialServer(), { signal }));

/** Which protocols a request offers. */
const offered = (request: Buffer): number => request.readUInt32LE(15);

describe("the question whether an RDP server is at the other end", () => {
  it("is answered by one, also in pieces", async () => {
    const answer = confirmBytes(RDP_NEG_RSP, 2);
    const inPieces = (socket: Socket) => {
      socket.setNoDelay();
      socket.write(answer.subarray(0, 7), () => setImmediate(() => socket.write(answer.subarray(7))));
    };
    const expected = { kind: "rdp", answer: { kind: "selected", protocol: "nla" }, certificate: undefined };
    expect(await ask(inPieces)).to.deep.equal(expected);
    expect(await ask((socket) => socket.end(answer))).to.deep.equal(expected);
  });

  it("tells another protocol from a hang-up", async () => {
    const http = await ask((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(http).to.deep.equal({ kind: "not-rdp", seen: Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n") });
    expect(await ask((socket) => socket.end(Buffer.of(3, 0)))).to.deep.equal({
      kind: "not-rdp",
      seen: Buffer.of(3, 0),
    });
    expect(await ask((socket) => socket.destroy())).to.deep.equal({ kind: "closed" });
    expect(await ask((socket) => socket.resetAndDestroy())).to.deep.equal({ kind: "closed" });
  });

  it("gives up on silence in its time, and when it is told to", async () => {
    const silence: Serve = () => {};
    const late = await served(silence, async (dialServer) => {
      const connection = await dialServer();
      const error = await thrown(() => probeRdpWithin(connection, 50, { signal }));
      expect(connection.destroyed).to.equal(true);
      return error;
    });
    expect(late.code).to.equal("handshake-timeout");
    const abort = new AbortController();
    const told = await served(
      () => abort.abort(new DrawbridgeError("cancelled", "enough")),
      async (dialServer) => {
        const connection = await dialServer();
        return thrown(() => probeRdp(connection, { signal: abort.signal }));
      },
    );
    expect(told.message).to.equal("enough");
  });

  it("works on any duplex stream, TLS on top of it included", async () => {
    const { identity, fingerprint } = await rdpCertificate();
    const [near, far] = duplexPair();
    far.once("data", () => {
      far.write(confirmBytes(RDP_NEG_RSP, 1));
      serveTls(far, identity);
    });
    const result = await probeRdp(near, { wantsCertificate: true, signal });
    expect(result).to.deep.include({ kind: "rdp" });
    if (result.kind !== "rdp") throw new Error("no RDP server");
    expect(result.certificate?.fingerprint).to.equal(fingerprint);
    expect(result.certificate?.name).to.equal("test");
    far.destroy();
  });

  it("does without a certificate where TLS fails", async () => {
    const garbled = (socket: Socket) => {
      socket.write(confirmBytes(RDP_NEG_RSP, 1));
      socket.once("data", () => socket.end("no TLS here"));
    };
    const result = await served(garbled, async (dialServer) =>
      probeRdp(await dialServer(), { wantsCertificate: true, signal }),
    );
    expect(result).to.deep.equal({
      kind: "rdp",
      answer: { kind: "selected", protocol: "tls" },
      certificate: undefined,
    });
  });
});

async function rdpCertificate(): Promise<{ identity: TestIdentity; fingerprint: string }> {
  const identity = await (await TestAuthority.create()).issue("drawbridge://x/tenant/y");
  return { identity, fingerprint: new X509Certificate(identity.certificate).fingerprint256.toLowerCase() };
}

function serveTls(stream: Duplex, { key, certificate }: TestIdentity): void {
  const tls = new TLSSocket(stream, { isServer: true, key, cert: certificate });
  tls.on("error", () => {});
}

describe("the survey of an RDP server's security", () => {
  const survey = (serve: Serve) => served(serve, (dialServer) => surveyRdp(dialServer, signal));

  it("finds one that insists on NLA, with its certificate", async () => {
    const { identity, fingerprint } = await rdpCertificate();
    const found = await survey((socket, request) => {
      if ((offered(request) & 2) === 0) return void socket.end(confirmBytes(RDP_NEG_FAILURE, 5));
      socket.write(confirmBytes(RDP_NEG_RSP, 2));
      serveTls(socket, identity);
    });
    expect(found).to.deep.include({ kind: "rdp", offers: ["nla"], nlaRequired: true });
    if (found.kind !== "rdp") throw new Error("no RDP server");
    expect(found.certificate?.fingerprint).to.equal(fingerprint);
    expect(describeSecurity(found)).to.equal("NLA (CredSSP); NLA is required");
  });

  it("finds one that takes everything, best first", async () => {
    const found = await survey((socket, request) => {
      const best = [8, 2, 1, 4].find((flag) => (offered(request) & flag) !== 0) ?? 0;
      socket.end(confirmBytes(RDP_NEG_RSP, best));
    });
    expect(found).to.deep.equal({
      kind: "rdp",
      offers: ["nla-ex", "tls", "rdp", "rdstls"],
      nlaRequired: false,
      certificate: undefined,
    });
  });

  it("finds one that is older than the negotiation", async () => {
    const found = await survey((socket) => socket.end(LEGACY_CONFIRM));
    expect(found).to.deep.equal({ kind: "rdp", offers: ["rdp"], nlaRequired: false, certificate: undefined });
  });

  it("says of what is no RDP server what was seen", async () => {
    expect(await survey((socket) => socket.end("SSH-2.0-x"))).to.deep.equal({
      kind: "not-rdp",
      seen: Buffer.from("SSH-2.0-x"),
    });
    expect(await survey((socket) => socket.destroy())).to.deep.equal({ kind: "closed" });
  });
});
