/** The import rules of ARCHITECTURE.md's table, checked by `npm run lint`. */
const role = (name, others) => ({
  name: `roles-never-import-roles-${name}`,
  comment: `packages/control/src/${name} stands alone; what roles share lives in rpc/, identity/, store/ and wire/.`,
  severity: "error",
  from: { path: `^packages/control/src/${name}/` },
  to: { path: `^packages/control/src/(${others.join("|")})/` },
});

const pureState = [
  "packages/dataplane/src/(pairing-table|preface|handshake-token|proxy-protocol|ip-bytes)",
  "packages/control/src/cloud/(tenant-registry|session-broker|session|rights)",
].join("|");

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "dataplane-imports-nothing-of-ours",
      severity: "error",
      from: { path: "^packages/dataplane/" },
      to: { path: "^(packages/(control|console-cli)|gen|test|scripts)/" },
    },
    {
      name: "dataplane-knows-no-grpc",
      severity: "error",
      from: { path: "^packages/dataplane/" },
      to: { path: "grpc" },
    },
    {
      name: "control-imports-dataplane-and-gen-only",
      severity: "error",
      from: { path: "^packages/control/" },
      to: { path: "^(packages/console-cli|test|scripts)/" },
    },
    {
      name: "console-cli-imports-control-and-dataplane-only",
      severity: "error",
      from: { path: "^packages/console-cli/" },
      to: { path: "^(gen|test|scripts)/" },
    },
    {
      name: "gen-imports-nothing-of-ours",
      severity: "error",
      from: { path: "^gen/" },
      to: { path: "^(packages|test|scripts)/" },
    },
    role("cloud", ["tenant", "remote"]),
    role("tenant", ["cloud", "remote"]),
    role("remote", ["cloud", "tenant"]),
    {
      name: "shared-parts-import-no-role",
      severity: "error",
      from: { path: "^packages/control/src/(rpc|identity|store|wire|watching)/" },
      to: { path: "^packages/control/src/(cloud|tenant|remote)/" },
    },
    {
      name: "pure-state-imports-no-sockets-timers-or-grpc",
      severity: "error",
      from: { path: `^(${pureState})\\.ts$` },
      to: { path: "^(net|tls|http2|dgram|timers|timers/promises|node:(net|tls|http2|timers))$|grpc" },
    },
    {
      name: "generated-types-stop-at-the-edge",
      comment: "Only services/ and the stream adapters (wire/, rpc/) may see generated types.",
      severity: "error",
      from: {
        path: "^packages/control/src/",
        pathNot:
          "^packages/control/src/(cloud/services|wire|rpc)/|/(control-connection|session-stream|registry-watch-client|admin-client|tenant-entry)\\.ts$|identity/invite-code\\.ts$",
      },
      to: { path: "^gen/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
