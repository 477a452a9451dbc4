import { Health } from "@drawbridge/gen/grpc/health/v1/health";
import { ServerReflection } from "@drawbridge/gen/grpc/reflection/v1/reflection";
import { expect } from "chai";
import {
  checkRight,
  mayReach,
  RIGHTS,
  ROLES,
  type Caller,
  type Role,
} from "../../../packages/control/src/cloud/rights.ts";
import { CONTRACT } from "../../../packages/control/src/cloud/services/contract.ts";
import { thrown } from "../identity/thrown.ts";

const SERVICES = [...CONTRACT, Health, ServerReflection];
const PATHS = SERVICES.flatMap(({ typeName, methods }) => methods.map(({ name }) => `/${typeName}/${name}`));

const operatorOf = (role: Role, groups: string[] = []): Caller => ({
  kind: "operator",
  name: "olga",
  role,
  groups,
  keyFingerprint: "",
});
const CALLERS: Record<string, Caller> = {
  anonymous: { kind: "anonymous" },
  tenant: { kind: "tenant", name: "acme", keyFingerprint: "" },
  viewer: operatorOf("viewer"),
  operator: operatorOf("operator"),
  admin: operatorOf("admin"),
};

/** Who may make which call, written down a second time, from the comments in proto/drawbridge/v1. */
const ALLOWED: Record<string, string> = {
  "/drawbridge.v1.AdminService/CreateInvite": "admin",
  "/drawbridge.v1.AdminService/EndSession": "operator admin",
  "/drawbridge.v1.AdminService/ListOperators": "admin",
  "/drawbridge.v1.AdminService/ListSessions": "viewer operator admin",
  "/drawbridge.v1.AdminService/ListTenants": "viewer operator admin",
  "/drawbridge.v1.AdminService/ReadAudit": "admin",
  "/drawbridge.v1.AdminService/Revoke": "admin",
  "/drawbridge.v1.ControlService/Connect": "tenant",
  "/drawbridge.v1.DiagnosticService/OpenTestLink": "tenant viewer operator admin",
  "/drawbridge.v1.EnrollmentService/Enroll": "anonymous tenant viewer operator admin",
  "/drawbridge.v1.EnrollmentService/Renew": "tenant viewer operator admin",
  "/drawbridge.v1.EnrollmentService/WhoAmI": "tenant viewer operator admin",
  "/drawbridge.v1.RegistryService/Watch": "viewer operator admin",
  "/drawbridge.v1.SessionService/Open": "operator admin",
  "/grpc.health.v1.Health/Check": "anonymous tenant viewer operator admin",
  "/grpc.health.v1.Health/Watch": "tenant viewer operator admin",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": "tenant viewer operator admin",
};

describe("rights", () => {
  it("PEERS security 13: name every call of the contract, and no other", () => {
    expect(Object.keys(RIGHTS).sort()).to.deep.equal([...PATHS].sort());
    expect(Object.keys(ALLOWED).sort()).to.deep.equal([...PATHS].sort());
  });

  for (const path of PATHS) {
    for (const [who, caller] of Object.entries(CALLERS)) {
      const allowed = ALLOWED[path]?.split(" ").includes(who) === true;
      it(`${allowed ? "let" : "keep"} ${who} ${allowed ? "call" : "from calling"} ${path}`, async () => {
        if (allowed) return checkRight(path, caller);
        const { code } = await thrown(() => checkRight(path, caller));
        expect(code).to.equal(who === "anonymous" ? "unauthenticated" : "permission-denied");
      });
    }
  }

  it("refuse everybody a call that is not named, however its path is written", async () => {
    const known = "/drawbridge.v1.EnrollmentService/Enroll";
    const strangers = [
      "",
      "/",
      known.slice(1),
      `${known}/`,
      `/${known}`,
      known.toLowerCase(),
      known.replace("Enroll", "%45nroll"),
      `${known}?x`,
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      "__proto__",
      "constructor",
      "toString",
    ];
    for (const path of strangers.filter((stranger) => stranger !== known)) {
      for (const caller of Object.values(CALLERS)) await thrown(() => checkRight(path, caller));
    }
  });
});

describe("reach", () => {
  it("is everything for an admin, whatever its groups", () => {
    expect(mayReach(operatorOf("admin", ["north"]), ["south"])).to.equal(true);
    expect(mayReach(operatorOf("admin", ["north"]), [])).to.equal(true);
  });

  it("is everything for an operator without groups, and the tenants of its groups for one with groups", () => {
    for (const role of ROLES.filter((name) => name !== "admin")) {
      expect(mayReach(operatorOf(role), ["south"])).to.equal(true);
      expect(mayReach(operatorOf(role), [])).to.equal(true);
      expect(mayReach(operatorOf(role, ["north", "east"]), ["south", "east"])).to.equal(true);
      expect(mayReach(operatorOf(role, ["north"]), ["south"])).to.equal(false);
      expect(mayReach(operatorOf(role, ["north"]), [])).to.equal(false);
    }
  });

  it("is nothing for tenants and for nobody", () => {
    expect(mayReach({ kind: "tenant", name: "acme", keyFingerprint: "" }, ["acme"])).to.equal(false);
    expect(mayReach({ kind: "anonymous" }, [])).to.equal(false);
  });
});
