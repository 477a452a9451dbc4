import { promisify } from "node:util";
import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { encode, type OldContract, type OldMessage, readOld } from "./old-contract.ts";

/** What it proves itself with and trusts, PEM. */
export interface OldServerCredentials {
  readonly authorities: string;
  readonly key: string;
  readonly certificate: string;
}

/** The answers of the calls that a test needs, by `Service/Call`; it knows the others too, and fails them. */
export type OldAnswers = Readonly<Record<string, JsonObject>>;

/** A server that has the calls of a release's contract and no others: grpc-js and the image, and nothing of ours. */
export class OldServer implements AsyncDisposable {
  /** `HOST:PORT` */
  readonly address: string;
  readonly #server: Server;

  static async start(contract: OldContract, tls: OldServerCredentials, answers: OldAnswers): Promise<OldServer> {
    const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) };
    const server = new Server();
    for (const name of new Set(Object.keys(answers).map((call) => call.split("/")[0]!))) {
      const { methods } = contract.service(name);
      server.addService(definition(methods), implementation(methods, answers));
    }
    const credentials = ServerCredentials.createSsl(Buffer.from(tls.authorities), [pair], true);
    const port = await promisify(server.bindAsync.bind(server))("127.0.0.1:0", credentials);
    return new OldServer(server, port);
  }

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.address = `127.0.0.1:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}

function definition(methods: readonly DescMethod[]): ServiceDefinition {
  const calls = methods.map(({ name, parent, input, output, methodKind }) => [
    name,
    {
      path: `/${parent.typeName}/${name}`,
      requestStream: /^(client|bidi)_streaming$/.test(methodKind),
      responseStream: /^(server|bidi)_streaming$/.test(methodKind),
      requestSerialize: (json: JsonObject) => encode(input, json),
      requestDeserialize: (bytes: Buffer) => readOld(input, bytes),
      responseSerialize: (json: JsonObject) => encode(output, json),
      responseDeserialize: (bytes: Buffer): OldMessage => readOld(output, bytes),
    },
  ]);
  return Object.fromEntries(calls) as ServiceDefinition;
}

function implementation(methods: readonly DescMethod[], answers: OldAnswers): UntypedServiceImplementation {
  const answer = ({ name, parent }: DescMethod) => answers[`${parent.name}/${name}`];
  const calls = methods.flatMap((method) => {
    const json = answer(method);
    const unary = (_call: unknown, done: (error: null, json: JsonObject | undefined) => void) => done(null, json);
    return json === undefined ? [] : [[method.name, unary] as const];
  });
  return Object.fromEntries(calls);
}
