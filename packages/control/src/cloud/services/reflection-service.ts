import type { DescFile, MessageInitShape } from "@bufbuild/protobuf";
import { createRegistry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type {
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from "@drawbridge/gen/grpc/reflection/v1/reflection";
import { Health } from "@drawbridge/gen/grpc/health/v1/health";
import { ServerReflection } from "@drawbridge/gen/grpc/reflection/v1/reflection";
import type { ServiceImplementation } from "nice-grpc";
import { Status } from "nice-grpc-common";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import type { Caller } from "../rights.ts";
import { CONTRACT } from "./contract.ts";

export const reflectionServiceDefinition = serviceDefinition(ServerReflection);

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** grpc.reflection.v1: our contract and the health service, for tools. */
export function reflectionService(): ServiceImplementation<typeof reflectionServiceDefinition, { caller: Caller }> {
  const services = [...CONTRACT, Health];
  const files = withDependencies(services.map(({ file }) => file));
  const registry = createRegistry(...files.values());
  const answer = (request: ServerReflectionRequest["messageRequest"]): Answer => {
    switch (request.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName }) => ({ name: typeName })) },
        };
      case "fileByFilename":
        return fileAnswer(files.get(request.value));
      case "fileContainingSymbol":
        return fileAnswer(fileOf(registry, request.value));
      case "fileContainingExtension":
      case "allExtensionNumbersOfType":
        return failure(Status.NOT_FOUND, "extensions are not listed");
      case undefined:
        return failure(Status.INVALID_ARGUMENT, "the request asks for nothing that is known here");
    }
  };
  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield { originalRequest: request, messageResponse: answer(request.messageRequest) };
      }
    },
  };
}

/** By name as they import each other. */
function withDependencies(roots: readonly DescFile[]): Map<string, DescFile> {
  const found = new Map<string, DescFile>();
  const add = (file: DescFile): void => {
    if (found.has(file.proto.name)) return;
    found.set(file.proto.name, file);
    file.dependencies.forEach(add);
  };
  roots.forEach(add);
  return found;
}

/** Where a service, a message, an enumeration, or a member of one is declared. */
function fileOf(registry: ReturnType<typeof createRegistry>, symbol: string): DescFile | undefined {
  const found = registry.get(symbol) ?? registry.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf("."))));
  return found?.file;
}

function fileAnswer(file: DescFile | undefined): Answer {
  if (file === undefined) return failure(Status.NOT_FOUND, "this server has no such file or symbol");
  return {
    case: "fileDescriptorResponse",
    value: { fileDescriptorProto: [toBinary(FileDescriptorProtoSchema, file.proto)] },
  };
}

function failure(errorCode: number, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
