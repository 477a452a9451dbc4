import type { DescMessage, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from "@bufbuild/protobuf/wkt";

/** A message type as nice-grpc wants it: the shape that ts-proto generates. */
interface MessageCodec<Desc extends DescMessage> {
  encode(message: MessageShape<Desc>): { finish(): Uint8Array };
  decode(bytes: Uint8Array): MessageShape<Desc>;
  fromPartial(init: MessageInitShape<Desc>): MessageShape<Desc>;
}

interface MethodOf<Input extends DescMessage, Output extends DescMessage, Kind extends string> {
  name: string;
  requestType: MessageCodec<Input>;
  requestStream: Kind extends "client_streaming" | "bidi_streaming" ? true : false;
  responseType: MessageCodec<Output>;
  responseStream: Kind extends "server_streaming" | "bidi_streaming" ? true : false;
  options: { idempotencyLevel?: "IDEMPOTENT" | "NO_SIDE_EFFECTS" };
}

/** What a generated service looks like to the compiler. */
type GeneratedService = Omit<DescService, "method"> & {
  method: Record<string, { input: DescMessage; output: DescMessage; methodKind: string }>;
};

/** The definition of a generated service, in ts-proto's shape. */
export interface ServiceDefinitionOf<Service extends GeneratedService> {
  name: string;
  fullName: string;
  methods: {
    [Name in keyof Service["method"]]: MethodOf<
      Service["method"][Name]["input"],
      Service["method"][Name]["output"],
      Service["method"][Name]["methodKind"]
    >;
  };
}

function messageCodec<Desc extends DescMessage>(desc: Desc): MessageCodec<Desc> {
  return {
    encode: (message) => ({ finish: () => toBinary(desc, message) }),
    decode: (bytes) => fromBinary(desc, bytes),
    fromPartial: (init) => create(desc, init),
  };
}

function idempotency(level: IdempotencyLevel): { idempotencyLevel?: "IDEMPOTENT" | "NO_SIDE_EFFECTS" } {
  if (level === IdempotencyLevel.NO_SIDE_EFFECTS) return { idempotencyLevel: "NO_SIDE_EFFECTS" };
  return level === IdempotencyLevel.IDEMPOTENT ? { idempotencyLevel: "IDEMPOTENT" } : {};
}

/**
 * Presents a service that `protoc-gen-es` generated to nice-grpc.
 *
 * nice-grpc reads ts-proto's definitions, its own, and grpc-js's. Its own would be shorter here, but nice-grpc drops
 * the options of those, and its retry middleware then never learns which calls are idempotent.
 */
export function serviceDefinition<Service extends GeneratedService>(service: Service): ServiceDefinitionOf<Service> {
  const methods = (service as unknown as DescService).methods.map((method) => [
    method.localName,
    {
      name: method.name,
      requestType: messageCodec(method.input),
      requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
      responseType: messageCodec(method.output),
      responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
      options: idempotency(method.idempotency),
    },
  ]);
  return {
    name: service.name,
    fullName: service.typeName,
    methods: Object.fromEntries(methods) as ServiceDefinitionOf<Service>["methods"],
  };
}
