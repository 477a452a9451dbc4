import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { expect } from "chai";
import { encode, type OldContract, type OldMessage, readOld } from "./old-contract.ts";

/** Whatever address is dialled: docs/PROTOCOL.md, "Transport". */
export const SERVER_NAME = "cloud.drawbridge.internal";

/** What a client shows and trusts, PEM. */
export interface OldCredentials {
  readonly authorities: string;
  readonly key?: string;
  readonly certificate?: string;
}

/** gRPC over mutual TLS, as any client of that release would have it: grpc-js and the image, and nothing of ours. */
export class OldChannel implements Disposable {
  readonly #contract: OldContract;
  readonly #client: Client;

  /** @param address `HOST:PORT` */
  constructor(contract: OldContract, address: string, { authorities, key, certificate }: OldCredentials) {
    this.#contract = contract;
    const own = [key, certificate].map((pem) => (pem === undefined ? null : Buffer.from(pem)));
    const tls = credentials.createSsl(Buffer.from(authorities), own[0], own[1]);
    this.#client = new Client(address, tls, { "grpc.ssl_target_name_override": SERVER_NAME });
  }

  /** @throws ServiceError of grpc-js */
  unary(service: string, name: string, request: JsonObject): Promise<OldMessage> {
    const { path, serialize, deserialize } = this.#method(service, name);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, serialize, deserialize, request, (error, answer) => {
        if (error) reject(error);
        else if (answer) resolve(answer);
      });
    });
  }

  stream(service: string, name: string): OldStream {
    const { path, serialize, deserialize } = this.#method(service, name);
    return new OldStream(this.#client.makeBidiStreamRequest(path, serialize, deserialize));
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #method(service: string, name: string) {
    const { parent, input, output } = this.#contract.service(service).methods.find(named(name))!;
    return {
      path: `/${parent.typeName}/${name}`,
      serialize: (json: JsonObject): Buffer => encode(input, json),
      deserialize: (bytes: Buffer): OldMessage => readOld(output, bytes),
    };
  }
}

const named =
  (name: string) =>
  (method: DescMethod): boolean =>
    method.name === name;

/** A stream both ways, read message by message. */
export class OldStream {
  /** Bytes so far of fields that the old contract has not. */
  unknownBytes = 0;
  readonly #call: ClientDuplexStream<JsonObject, OldMessage>;
  readonly #messages: AsyncIterator<OldMessage>;

  constructor(call: ClientDuplexStream<JsonObject, OldMessage>) {
    this.#call = call;
    this.#messages = (call as AsyncIterable<OldMessage>)[Symbol.asyncIterator]();
  }

  send(message: JsonObject): void {
    this.#call.write(message);
  }

  /** The next message's member, which has to be of this name. One that is not known comes from a newer contract. */
  async next(member: string): Promise<JsonObject> {
    for (;;) {
      const next = await this.#messages.next();
      expect(next.done, `the stream ended instead of ${member}`).not.to.equal(true);
      const { json, unknownBytes } = next.value as OldMessage;
      this.unknownBytes += unknownBytes;
      if (Object.keys(json).length === 0) continue;
      expect(json).to.have.property(member);
      return json[member] as JsonObject;
    }
  }

  /** Resolves once the server has ended the stream in good order. */
  async ended(): Promise<void> {
    this.#call.end();
    expect((await this.#messages.next()).done).to.equal(true);
  }

  /** Cancels the call, as a client that is gone. */
  cancel(): void {
    this.#call.on("error", () => {}).cancel();
  }
}
