import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect as connectTcp } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { CertificateAuthority, createCertificateRequest, type EnrolledIdentity } from "@drawbridge/control/identity";
import { certificateToPem, exportPrivateKeyPem, generateKeyPairP256 } from "@drawbridge/control/identity";
import { expect } from "chai";
import { CONTRACT } from "../../../packages/control/src/cloud/services/contract.ts";
import { CloudBench } from "./cloud-bench.ts";

const PATHS = CONTRACT.flatMap(({ typeName, methods }) => methods.map(({ name }) => `/${typeName}/${name}`));
const [UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED] = ["16", "7", "12"];
/** Never fires: mocha's own timeout ends a test that hangs. */
const { signal } = new AbortController();

/** The gRPC statuses of raw calls, made over one connection with this certificate or none. */
async function statuses(port: number, paths: string[], tls: ConnectionOptions, headers = {}): Promise<string[]> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, ...tls });
  session.on("error", () => {});
  const call = async (path: string): Promise<string> => {
    const request = {
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    };
    const stream = session.request(request);
    const status = Promise.withResolvers<string>();
    const look = (answer: IncomingHttpHeaders): void => {
      const found = answer["grpc-status"];
      if (typeof found === "string") status.resolve(found);
    };
    stream
      .on("response", look)
      .on("trailers", look)
      .on("error", () => {})
      .resume();
    stream.on("close", () => status.resolve("closed without a status"));
    stream.end(Buffer.alloc(5));
    return status.promise;
  };
  const found = await Promise.all(paths.map(call));
  session.destroy();
  return found;
}

const pair = ({ certificate, privateKey }: { certificate: string; privateKey: string }): ConnectionOptions => ({
  cert: certificate,
  key: privateKey,
});

describe("access to the control plane", () => {
  let bench: CloudBench;
  let olga: EnrolledIdentity;
  let acme: EnrolledIdentity;
  beforeEach(async () => {
    bench = await CloudBench.start();
    olga = await bench.enrolOperator("olga", "admin");
    acme = await bench.enrolTenant("acme");
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const guarded = PATHS.filter((path) => !path.endsWith("/Enroll"));

  it("PEERS security 14: is refused to callers without a certificate in every call but Enroll, whatever headers they send", async () => {
    const header = Buffer.from(olga.certificate).toString("base64");
    for (const headers of [{}, { "drawbridge-connection": "c1", "x-forwarded-client-cert": header }]) {
      const found = await statuses(bench.port, guarded, {}, headers);
      expect(found).to.deep.equal(guarded.map(() => UNAUTHENTICATED));
    }
  });

  it("is refused to certificates of another CA of the same name", async () => {
    const forged = await forge(olga.name);
    expect(await statuses(bench.port, guarded, pair(forged))).to.deep.equal(guarded.map(() => UNAUTHENTICATED));
  });

  it("PEERS security 8: is refused to a rogue leaf with a genuine certificate, and its CA, behind it", async () => {
    const forged = await forge(olga.name);
    const chain = forged.certificate + olga.certificate + olga.certificateAuthorities.join("");
    const found = await statuses(bench.port, guarded, { cert: chain, key: forged.privateKey });
    expect(found).to.deep.equal(guarded.map(() => UNAUTHENTICATED));
  });

  it("PEERS security 13: is refused by path as well as by role: other spellings reach nothing", async () => {
    const spellings = [
      "/drawbridge.v1.AdminService/revoke",
      "/drawbridge.v1.AdminService//Revoke",
      "//x",
      "/__proto__/x",
    ];
    const found = await statuses(bench.port, spellings, pair(acme));
    expect(found).to.deep.equal(spellings.map(() => UNIMPLEMENTED));
    const admin = PATHS.filter((path) => path.includes("AdminService"));
    expect(await statuses(bench.port, admin, pair(acme))).to.deep.equal(admin.map(() => PERMISSION_DENIED));
  });

  it("is refused over TLS 1.2", async () => {
    const socket = connect({ port: bench.port, host: "127.0.0.1", rejectUnauthorized: false, maxVersion: "TLSv1.2" });
    const outcome = await Promise.race([
      once(socket, "secureConnect").then(() => "connected"),
      once(socket, "error").then(() => "refused"),
    ]).catch(() => "refused");
    expect(outcome).to.equal("refused");
    socket.destroy();
  });

  it("PEERS security 11: ends at once by revocation: control connection, session and link, and the certificate does not come back", async () => {
    const tenant = await bench.tenant(acme);
    const operator = bench.operator(olga);
    const { sessionId } = await tenant.next("sessionOffer");
    tenant.accept(sessionId);
    await operator.next("opened");
    operator.requestLink();
    await operator.next("linkTicket");
    expect(await bench.admin(olga).revoke("tenant", "acme", signal)).to.equal(1);
    const { reason } = await operator.next("ended");
    expect(reason?.code).to.equal("revoked");
    await tenant.end();
    expect(await bench.admin(olga).listSessions(signal)).to.deep.equal([]);
    expect(await bench.admin(olga).listTenants(signal)).to.deep.equal([]);
    const found = await statuses(bench.port, ["/drawbridge.v1.ControlService/Connect"], pair(acme));
    expect(found).to.deep.equal([UNAUTHENTICATED]);
  });

  it("ends at once for a revoked operator: its streams and its session at the tenant", async () => {
    const otto = await bench.enrolOperator("otto");
    const tenant = await bench.tenant(acme);
    const operator = bench.operator(otto);
    const { sessionId } = await tenant.next("sessionOffer");
    tenant.accept(sessionId);
    await operator.next("opened");
    await bench.admin(olga).revoke("operator", "otto", signal);
    expect((await tenant.next("sessionClose")).sessionId).to.equal(sessionId);
    await operator.end();
    const found = await statuses(bench.port, ["/drawbridge.v1.SessionService/Open"], pair(otto));
    expect(found).to.deep.equal([UNAUTHENTICATED]);
    tenant.cut();
  });
});

/** A certificate that says it is an operator's, from a CA of the same name as the provider's. */
async function forge(name: string): Promise<{ certificate: string; privateKey: string }> {
  const authority = await CertificateAuthority.create("example");
  const keyPair = await generateKeyPairP256();
  const principal = { kind: "operator", name, provider: "example" } as const;
  const { der } = await authority.issuePrincipalCertificate(principal, await createCertificateRequest(keyPair));
  return { certificate: certificateToPem(der), privateKey: exportPrivateKeyPem(keyPair) };
}

describe("cloud redirector's start and stop", () => {
  it("takes stop twice, also at once, and before it was started", async () => {
    const bench = await CloudBench.start();
    await Promise.all([bench.stop(), bench.stop()]);
    await bench.stop();
    const unstarted = await bench.make();
    await unstarted.stop({ code: "closed", message: "never started" });
    await bench[Symbol.asyncDispose]();
  });

  it("does not listen after a stop that came while it started", async () => {
    const bench = await CloudBench.start();
    await bench.stop();
    const cloud = await bench.make();
    const starting = cloud.start({ host: "127.0.0.1", port: 0 }).catch((error: unknown) => error);
    await cloud.stop({ code: "closed", message: "at once" });
    expect(await starting).to.have.property("code", "closed");
    await bench[Symbol.asyncDispose]();
  });

  it("PEERS security 16: outlives peers that hammer its port while it starts and stops, and leaves none of them open", async () => {
    const bench = await CloudBench.start();
    const acme = await bench.enrolTenant("acme");
    let isOver = false;
    // From an address of its own: a port that nobody listens on could otherwise become the caller's own.
    const from = process.platform === "linux" ? { localAddress: "127.0.0.2" } : {};
    const options = { host: "127.0.0.1", port: bench.port, rejectUnauthorized: false, ...from, ...pair(acme) };
    const hammer = async (): Promise<void> => {
      while (!isOver) {
        const socket: TLSSocket = connect(options);
        socket.on("error", () => {}).write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        socket.on("secureConnect", () => socket.destroy());
        if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const hammers = [hammer(), hammer(), hammer()];
    for (let round = 0; round < 3; round += 1) {
      const tenant = await bench.tenant(acme);
      await bench.stop();
      await tenant.end();
      await bench.run(options.port);
    }
    isOver = true;
    await Promise.all(hammers);
    expect(bench.logged("error")).to.deep.equal([]);
    await bench[Symbol.asyncDispose]();
  });

  it("closes a connection that is in the middle of its handshake when it stops", async () => {
    const bench = await CloudBench.start();
    const socket = connectTcp(bench.port, "127.0.0.1");
    socket.on("error", () => {}).resume();
    await once(socket, "connect");
    socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    // The first bytes have to be read before the stop counts for them.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await bench.stop();
    await closed;
    await bench[Symbol.asyncDispose]();
  });
});
