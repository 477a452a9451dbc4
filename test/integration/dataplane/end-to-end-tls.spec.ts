import {
  acceptTenantLeg,
  DrawbridgeError,
  encryptRemoteLeg,
  splice,
  type EndToEndTlsOptions,
  type Splice,
  type SpliceOptions,
} from "@drawbridge/dataplane";
import { expect } from "chai";
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { Transform, type Duplex } from "node:stream";
import { TestAuthority, type TestIdentity } from "../../support/certificates.ts";
import { closedOf, LoopbackServer, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const TENANT = "drawbridge://test/tenant/acme";
const OPERATOR = "drawbridge://test/operator/ann";
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** Verifies that the leaf is for this URI. */
const only = (uri: string) => (leaf: Buffer) => {
  const names = new X509Certificate(leaf).subjectAltName;
  if (names !== `URI:${uri}`) throw new DrawbridgeError("permission-denied", `${names ?? "nobody"} is not ${uri}`);
};

describe("end-to-end TLS", () => {
  let authority: TestAuthority;
  let operator: TestIdentity;
  let tenant: TestIdentity;
  let server: LoopbackServer;
  /** The legs of the redirectors; their other ends are spliced. */
  let remoteLeg: Socket;
  let tenantLeg: Socket;
  let middle: { remote: Socket; tenant: Socket };
  let running: Splice | undefined;

  before(async () => {
    authority = await TestAuthority.create();
    operator = await authority.issue(OPERATOR);
    tenant = await authority.issue(TENANT);
  });

  beforeEach(async () => {
    server = await LoopbackServer.start();
    const [first, second] = [await server.pair(), await server.pair()];
    remoteLeg = first.near;
    tenantLeg = second.near;
    middle = { remote: first.far, tenant: second.far };
    running = undefined;
  });

  afterEach(() => {
    server.close();
    running?.destroy({ code: "closed", message: "the test is over" });
    for (const socket of [remoteLeg, tenantLeg, middle.remote, middle.tenant]) socket.destroy();
  });

  const relay = (options: SpliceOptions = {}): void => void (running = splice(middle.remote, middle.tenant, options));
  const options = (identity: TestIdentity, more: Partial<EndToEndTlsOptions> = {}): EndToEndTlsOptions => ({
    ...identity,
    certificateAuthorities: [authority.certificate],
    verifyPeer: identity === tenant ? only(OPERATOR) : only(TENANT),
    serverName: "one.target.drawbridge.internal",
    ...more,
  });

  async function establish(): Promise<{ remote: TLSSocket; tenantEnd: TLSSocket }> {
    const [remote, tenantEnd] = await Promise.all([
      encryptRemoteLeg(remoteLeg, options(operator)),
      acceptTenantLeg(tenantLeg, options(tenant)),
    ]);
    return { remote, tenantEnd };
  }

  async function codeOf(promise: Promise<Duplex>): Promise<string> {
    return promise.then(
      () => "success",
      (error: unknown) => (error instanceof DrawbridgeError ? error.code : String(error)),
    );
  }

  it("carries both directions at once through a splice, unaltered and unreadable on the way", async () => {
    // Only a splice over streams can be listened to beside it.
    relay({ streamsOnly: true });
    const seen: Buffer[] = [];
    middle.remote.on("data", (chunk: Buffer) => seen.push(chunk));
    const { remote, tenantEnd } = await establish();
    expect(remote.getProtocol()).to.equal("TLSv1.3");
    const [up, down] = [Buffer.alloc(3_000_000, "open secret "), randomBytes(3_000_001)];
    remote.end(up);
    tenantEnd.end(down);
    const [atTenant, atRemote] = await Promise.all([readAll(tenantEnd), readAll(remote)]);
    expect([sha256(atTenant), sha256(atRemote)]).to.deep.equal([sha256(up), sha256(down)]);
    expect(Buffer.concat(seen).length).to.be.above(1_000);
    expect(Buffer.concat(seen).includes("open secret")).to.equal(false);
    expect((await running!.closed).message).to.equal("both sides ended the connection");
  });

  it("keeps the handshake's early bytes when one end starts long before the other", async () => {
    const early = encryptRemoteLeg(remoteLeg, options(operator));
    await once(middle.remote, "readable");
    relay();
    const tenantEnd = await acceptTenantLeg(tenantLeg, options(tenant));
    (await early).end("hello");
    expect((await readAll(tenantEnd)).toString()).to.equal("hello");
  });

  it("loses nothing when the client's data and end come together with its last handshake bytes", async () => {
    const accepting = acceptTenantLeg(tenantLeg, options(tenant));
    const encrypting = encryptRemoteLeg(remoteLeg, options(operator));
    middle.tenant.pipe(middle.remote);
    await once(middle.remote, "readable");
    middle.tenant.write(middle.remote.read() as Buffer);
    (await encrypting).end("hello");
    middle.tenant.end(await readAll(middle.remote));
    const tenantEnd = await accepting;
    expect((await readAll(tenantEnd)).toString()).to.equal("hello");
    tenantEnd.end("bye");
    expect((await readAll(await encrypting)).toString()).to.equal("bye");
  });

  it("takes bytes that the leg had read before the handshake", async () => {
    relay();
    const early = encryptRemoteLeg(remoteLeg, options(operator));
    await once(tenantLeg, "readable");
    const tenantEnd = await acceptTenantLeg(tenantLeg, options(tenant));
    (await early).end("hello");
    expect((await readAll(tenantEnd)).toString()).to.equal("hello");
  });

  for (const way of ["remote", "tenant"]) {
    it(`half-closes: the ${way} end is done, the other goes on`, async () => {
      relay();
      const { remote, tenantEnd } = await establish();
      const [first, second] = way === "remote" ? [remote, tenantEnd] : [tenantEnd, remote];
      first.end("question");
      expect((await readAll(second)).toString()).to.equal("question");
      for (const word of ["answer", "after", "answer"]) {
        second.write(word);
        expect((await readBytes(first, word.length)).toString()).to.equal(word);
      }
      second.end();
      expect(await readAll(first)).to.have.length(0);
      expect((await running!.closed).message).to.equal("both sides ended the connection");
    });
  }

  it("is itself spliced with plain sockets at both ends, half-closes included", async () => {
    relay();
    const { remote, tenantEnd } = await establish();
    const [client, target] = [await server.pair(), await server.pair()];
    const splices = [splice(client.far, remote), splice(tenantEnd, target.near)];
    const bytes = randomBytes(2_000_000);
    client.near.end(bytes);
    expect(sha256(await readAll(target.far))).to.equal(sha256(bytes));
    target.far.end(bytes);
    expect(sha256(await readAll(client.near))).to.equal(sha256(bytes));
    const reasons = await Promise.all(splices.map(({ closed }) => closed));
    expect(reasons.map(({ message }) => message)).to.deep.equal(Array(2).fill("both sides ended the connection"));
    expect(splices.map((each) => each.counts())).to.deep.equal(
      Array(2).fill({ aToB: bytes.length, bToA: bytes.length }),
    );
  });

  it("refuses a tenant whose certificate is from another authority", async () => {
    relay();
    const impostor = await (await TestAuthority.create("impostor")).issue(TENANT);
    const accepting = codeOf(acceptTenantLeg(tenantLeg, options(tenant, impostor)));
    expect(await codeOf(encryptRemoteLeg(remoteLeg, options(operator)))).to.equal("certificate-invalid");
    expect(await accepting).to.not.equal("success");
    await Promise.all([closedOf(remoteLeg), closedOf(tenantLeg)]);
  });

  it("refuses an operator whose certificate is from another authority, before any byte is taken", async () => {
    relay();
    const impostor = await (await TestAuthority.create("impostor")).issue(OPERATOR);
    const accepting = codeOf(acceptTenantLeg(tenantLeg, options(tenant)));
    const remote = await encryptRemoteLeg(remoteLeg, options(operator, impostor));
    remote.write("never read");
    expect(await accepting).to.equal("certificate-invalid");
    await closedOf(remote);
  });

  it("PEERS security 8: refuses a rogue leaf that brings a genuine certificate along", async () => {
    relay();
    const rogue = await (await TestAuthority.create("impostor")).issue(OPERATOR);
    const certificate = rogue.certificate + "\n" + operator.certificate;
    const accepting = codeOf(acceptTenantLeg(tenantLeg, options(tenant)));
    await codeOf(encryptRemoteLeg(remoteLeg, options(operator, { key: rogue.key, certificate })));
    expect(await accepting).to.equal("certificate-invalid");
  });

  it("refuses a certificate that has expired", async () => {
    relay();
    const expired = await authority.issue(TENANT, new Date(Date.now() - 60_000));
    void codeOf(acceptTenantLeg(tenantLeg, options(tenant, expired)));
    expect(await codeOf(encryptRemoteLeg(remoteLeg, options(operator)))).to.equal("certificate-invalid");
  });

  it("refuses a peer that shows no certificate", async () => {
    relay();
    const accepting = codeOf(acceptTenantLeg(tenantLeg, options(tenant)));
    const anonymous = connect({ socket: remoteLeg, rejectUnauthorized: false, ALPNProtocols: ["drawbridge-e2e/1"] });
    anonymous.on("error", () => {});
    expect(await accepting).to.equal("certificate-invalid");
    await closedOf(anonymous);
  });

  for (const serverName of ["two.target.drawbridge.internal", ""]) {
    it(`refuses a remote redirector with the server name "${serverName}", before a byte is taken`, async () => {
      relay();
      const accepting = codeOf(acceptTenantLeg(tenantLeg, options(tenant)));
      const { key, certificate: cert } = operator;
      const settings = { key, cert, rejectUnauthorized: false, ALPNProtocols: ["drawbridge-e2e/1"] };
      const other = connect({ socket: remoteLeg, servername: serverName, ...settings });
      other.on("error", () => {}).write("for another target");
      expect(await accepting).to.equal("certificate-invalid");
      await closedOf(other);
    });
  }

  it("refuses a peer that speaks another protocol or an older TLS", async () => {
    relay();
    const accepting = codeOf(acceptTenantLeg(tenantLeg, options(tenant)));
    const { key, certificate: cert } = operator;
    const older = connect({ socket: remoteLeg, key, cert, rejectUnauthorized: false, maxVersion: "TLSv1.2" });
    older.on("error", () => {});
    expect(await accepting).to.equal("protocol-violation");
    const [a, b] = [await server.pair(), await server.pair()];
    const second = splice(a.far, b.far);
    const acceptingAgain = codeOf(acceptTenantLeg(b.near, options(tenant)));
    const mute = connect({ socket: a.near, key, cert, rejectUnauthorized: false });
    mute.on("error", () => {});
    expect(await acceptingAgain).to.equal("protocol-violation");
    await closedOf(mute);
    await second.closed;
  });

  it("asks verifyPeer about the verified leaf, and closes the leg when it refuses", async () => {
    relay();
    const accepting = acceptTenantLeg(tenantLeg, options(tenant));
    const other = options(operator, { verifyPeer: only("drawbridge://test/tenant/bolt") });
    const error: unknown = await encryptRemoteLeg(remoteLeg, other).catch((thrown: unknown) => thrown);
    expect(error).to.include({
      code: "permission-denied",
      message: `URI:${TENANT} is not drawbridge://test/tenant/bolt`,
    });
    await closedOf(remoteLeg);
    // The tenant's end may have been done before: then it sees a stream that is cut off without a byte.
    const received: Buffer[] = [];
    await accepting.then(
      (stream) => closedOf(stream.on("data", (chunk: Buffer) => received.push(chunk))),
      () => {},
    );
    expect(received).to.deep.equal([]);
  });

  it("notices a byte that was changed on the way", async () => {
    let tamper = false;
    const hostile = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        if (tamper) chunk[chunk.length - 1]! ^= 1;
        done(null, chunk);
      },
    });
    middle.remote.pipe(hostile).pipe(middle.tenant);
    middle.tenant.pipe(middle.remote);
    const { remote, tenantEnd } = await establish();
    remote.write("good");
    expect((await readBytes(tenantEnd, 4)).toString()).to.equal("good");
    tamper = true;
    const errors: string[] = [];
    tenantEnd.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code ?? "")).resume();
    remote.write("evil");
    await closedOf(tenantEnd);
    expect(errors).to.deep.equal(["ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC"]);
  });

  it("gives up at its deadline, when aborted, and when the leg closes", async () => {
    const clock = new FakeClock();
    const late = codeOf(acceptTenantLeg(tenantLeg, options(tenant, { clock })));
    clock.advance(10_000);
    expect(await late).to.equal("handshake-timeout");
    await closedOf(tenantLeg);
    const controller = new AbortController();
    const aborted = codeOf(encryptRemoteLeg(remoteLeg, options(operator, { signal: controller.signal, clock })));
    controller.abort();
    expect(await aborted).to.equal("cancelled");
    expect(await codeOf(encryptRemoteLeg(remoteLeg, options(operator, { clock })))).to.equal("closed");
    const { near, far } = await server.pair();
    const left = codeOf(acceptTenantLeg(near, options(tenant, { clock })));
    far.destroy();
    expect(await left).to.equal("closed");
    expect(clock.pending).to.equal(0);
  });
});
