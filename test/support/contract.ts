import { readdir } from "node:fs/promises";
import type { DescFile, DescMethod } from "@bufbuild/protobuf";

/** Ours, and the standard services that are served beside. */
const PACKAGES = ["drawbridge/v1", "grpc/health/v1", "grpc/reflection/v1"];

/** Every call of the contract, found in what was generated from it: a new one is there by itself. */
export async function contractMethods(): Promise<DescMethod[]> {
  const methods: DescMethod[] = [];
  for (const folder of PACKAGES.map((name) => new URL(`../../gen/es/${name}/`, import.meta.url))) {
    for (const file of (await readdir(folder)).sort()) {
      const exported = (await import(new URL(file, folder).href)) as Record<string, unknown>;
      const [, description] = Object.entries(exported).find(([name]) => name.startsWith("file_")) ?? [];
      for (const service of (description as DescFile).services) methods.push(...service.methods);
    }
  }
  return methods;
}

/** The path that a call is made by. */
export const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;
