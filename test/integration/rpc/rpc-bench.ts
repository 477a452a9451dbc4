import { once } from "node:events";
import { Reach } from "@drawbridge/dataplane";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:tls";
import {
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  create,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import {
  CertificateAuthority,
  certificateToPem,
  CLOUD_SERVER_NAME,
  createCertificateRequest,
  exportPrivateKeyPem,
  generateKeyPairP256,
} from "@drawbridge/control/identity";
import { authorizationMiddleware, errorMiddleware, RpcChannel, RpcServer } from "@drawbridge/control/rpc";
import type { DrawbridgeError } from "@drawbridge/dataplane";
import { EndSessionRequestSchema, ReadAuditResponseSchema } from "@drawbridge/gen/drawbridge/v1/admin";
import type { CallContext, ServiceImplementation } from "nice-grpc";
import { until } from "../../support/dataplane-rendezvous.ts";

function codec<Desc extends DescMessage>(desc: Desc) {
  return {
    encode: (message: MessageShape<Desc>) => ({ finish: () => toBinary(desc, message) }),
    decode: (bytes: Uint8Array) => fromBinary(desc, bytes),
    fromPartial: (init: MessageInitShape<Desc>) => create(desc, init),
  };
}

function method<In extends boolean, Out extends boolean>(name: string, requestStream: In, responseStream: Out) {
  const requestType = codec(EndSessionRequestSchema);
  return {
    name,
    requestType,
    requestStream,
    responseType: codec(ReadAuditResponseSchema),
    responseStream,
    options: {},
  };
}

/** A service with a call of each kind; its messages are borrowed from the contract, since others are not validated. */
export const testService = {
  name: "Test",
  fullName: "drawbridge.test.Test",
  methods: {
    unary: method("Unary", false, false),
    serverStream: method("ServerStream", false, true),
    clientStream: method("ClientStream", true, false),
    bidi: method("Bidi", true, true),
  },
} as const;

/** Who calls: the certificate that the server has verified, in hex; empty without one. */
export interface TestCaller {
  caller: string;
}
export type TestImplementation = ServiceImplementation<typeof testService, TestCaller>;
export type TestContext = CallContext & TestCaller;

/** A CA with a server certificate, an RPC server behind a TLS listener on loopback, and clients. */
export class RpcBench implements AsyncDisposable {
  readonly errors: DrawbridgeError[] = [];
  readonly authority: CertificateAuthority;
  readonly #listener: Server;
  readonly #rpc: RpcServer<TestCaller>;
  readonly #channels: RpcChannel[] = [];

  private constructor(
    authority: CertificateAuthority,
    listener: Server,
    implementation: TestImplementation,
    options: { writeDeadlineMs?: number },
  ) {
    this.authority = authority;
    this.#listener = listener;
    const identify = (_path: string, certificate?: Buffer): Promise<string> =>
      Promise.resolve(certificate?.toString("hex") ?? "");
    this.#rpc = new RpcServer<TestCaller>({
      keepAlive: { intervalMs: 10_000, timeoutMs: 5_000 },
      ...options,
      middleware: [errorMiddleware((error) => this.errors.push(error)), authorizationMiddleware(identify)],
    });
    this.#rpc.add(testService, implementation);
    listener.on("secureConnection", (socket) => this.#rpc.inject(socket)).on("tlsClientError", () => {});
  }

  static async start(
    implementation: TestImplementation,
    options: { writeDeadlineMs?: number } = {},
  ): Promise<RpcBench> {
    const authority = await CertificateAuthority.create("example");
    const keyPair = await generateKeyPairP256();
    const { der } = await authority.issueServerCertificate(keyPair.publicKey);
    const listener = createServer({
      cert: certificateToPem(der),
      key: exportPrivateKeyPem(keyPair),
      ca: certificateToPem(authority.certificateDer),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
      minVersion: "TLSv1.3",
    });
    const bench = new RpcBench(authority, listener, implementation, options);
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return bench;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** A client's certificate and key, from this bench's CA or another. */
  async identity(
    name: string,
    authority = this.authority,
  ): Promise<{ certificate: string; privateKey: string; der: Buffer }> {
    const keyPair = await generateKeyPairP256();
    const principal = { kind: "operator", name, provider: authority.provider } as const;
    const { der } = await authority.issuePrincipalCertificate(principal, await createCertificateRequest(keyPair));
    return { certificate: certificateToPem(der), privateKey: exportPrivateKeyPem(keyPair), der };
  }

  client(identity?: { certificate: string; privateKey: string }) {
    const channel = new RpcChannel({
      address: `127.0.0.1:${this.port}`,
      reach: new Reach(),
      certificateAuthorities: [certificateToPem(this.authority.certificateDer)],
      serverName: CLOUD_SERVER_NAME,
      ...(identity && { identity }),
    });
    this.#channels.push(channel);
    return channel.client(testService);
  }

  drain(deadlineMs: number): Promise<void> {
    return this.#rpc.drain(deadlineMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const channel of this.#channels) channel.close();
    this.#rpc.destroy();
    this.#rpc.destroy();
    let isClosed = false;
    this.#listener.close(() => (isClosed = true));
    await until(() => isClosed);
  }
}
