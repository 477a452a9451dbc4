import { readdirSync, readFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescMessage,
  type DescService,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const FOLDER = new URL("./", import.meta.url);
const IMAGE = "contract.binpb";
const PACKAGE = "drawbridge.v1";

/** The contract as a release had it, from its image alone: nothing here knows what `gen/` holds. Messages are ProtoJSON. */
export class OldContract {
  /** The image's folder. */
  readonly release: string;
  readonly #registry: FileRegistry;

  private constructor(release: string) {
    this.release = release;
    const image = readFileSync(new URL(`${release}/${IMAGE}`, FOLDER));
    this.#registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  }

  /** Every release whose image is kept. */
  static all(): OldContract[] {
    const folders = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const releases = folders
      .map(({ name }) => name)
      .filter((name) => readdirSync(new URL(name, FOLDER)).includes(IMAGE));
    return releases.map((name) => new OldContract(name));
  }

  /** By its full name; undefined where that release did not have it. */
  find(name: string): DescMessage | undefined {
    return this.#registry.getMessage(name);
  }

  /** By its name in the package. @throws Error where that release did not have it */
  service(name: string): DescService {
    const found = this.#registry.getService(`${PACKAGE}.${name}`);
    if (found === undefined) throw new Error(`${this.release} has no service ${name}`);
    return found;
  }

  encode(name: string, json: JsonValue): Buffer {
    return encode(this.#message(name), json);
  }

  decode(name: string, bytes: Uint8Array): JsonObject {
    return readOld(this.#message(name), bytes).json;
  }

  #message(name: string): DescMessage {
    const found = this.find(`${PACKAGE}.${name}`);
    if (found === undefined) throw new Error(`${this.release} has no message ${name}`);
    return found;
  }
}

export const encode = (desc: DescMessage, json: JsonValue): Buffer => Buffer.from(toBinary(desc, fromJson(desc, json)));

/** A message as an old client sees it. */
export interface OldMessage {
  readonly json: JsonObject;
  readonly message: Message;
  /** How many bytes of it are of fields that the old contract has not. */
  readonly unknownBytes: number;
}

export function readOld(desc: DescMessage, bytes: Uint8Array): OldMessage {
  const message = fromBinary(desc, bytes);
  const known = toBinary(desc, fromBinary(desc, bytes, { readUnknownFields: false }));
  return {
    json: toJson(desc, message, { alwaysEmitImplicit: true }) as JsonObject,
    message,
    unknownBytes: toBinary(desc, message).length - known.length,
  };
}
