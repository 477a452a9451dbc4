import { readFileSync } from "node:fs";
import { expect } from "chai";
import { parse, parseAllDocuments } from "yaml";
import { createProgram } from "../../../packages/console-cli/src/program.ts";

const read = (path: string): string => readFileSync(new URL(`../../../deploy/${path}`, import.meta.url), "utf8");

interface Container {
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly containerPort: number }[];
  readonly readinessProbe?: Readonly<Record<string, { readonly port: number }>>;
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: object };
  readonly spec?: {
    readonly selector?: { readonly matchLabels?: Record<string, string>; readonly app?: string };
    readonly template?: {
      readonly metadata: { readonly labels: Record<string, string> };
      readonly spec: { readonly containers: readonly Container[] };
    };
  };
}

const manifests = parseAllDocuments(read("kubernetes/drawbridge.yaml")).map((document) => {
  expect(document.errors).to.deep.equal([]);
  return document.toJS() as Manifest;
});
const containers = manifests.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);
const compose = parse(read("docker/compose.yaml")) as {
  services: Record<string, { command: string[]; networks: string[] }>;
  networks: object;
};

/** The command lines that the files give to the executable. */
const COMMANDS = [
  ...containers.map(({ args }) => args ?? []),
  ...Object.values(compose.services).map(({ command }) => command),
];

describe("deploy/", () => {
  it("gives command lines that drawbridge knows, with their options", () => {
    expect(COMMANDS).to.have.length(4);
    for (const [role, name, ...options] of COMMANDS) {
      const command = createProgram()
        .commands.find((each) => each.name() === role)
        ?.commands.find((each) => each.name() === name);
      expect(command, `${String(role)} ${String(name)}`).not.to.equal(undefined);
      const known = command!.options.map(({ long }) => long);
      expect(known).to.include.members(options.filter((option) => option.startsWith("--")));
    }
  });

  it("has a Deployment or StatefulSet behind each Service, and probes ports that are named", () => {
    const labels = manifests.map(({ spec }) => spec?.template?.metadata.labels["app"]).filter(Boolean);
    for (const { kind, spec = {} } of manifests) {
      const app = kind === "Service" ? spec.selector?.app : spec.selector?.matchLabels?.["app"];
      if (spec.selector !== undefined) expect(labels).to.include(app);
    }
    for (const { ports = [], readinessProbe = {} } of containers) {
      for (const { port } of Object.values(readinessProbe)) {
        expect(ports.map(({ containerPort }) => containerPort)).to.include(port);
      }
    }
  });

  it("keeps compose's services on networks that it makes", () => {
    for (const { networks } of Object.values(compose.services)) {
      expect(Object.keys(compose.networks)).to.include.members(networks);
    }
  });
});
