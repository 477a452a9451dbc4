import { DrawbridgeError } from "@drawbridge/dataplane";

/** Who makes a call: nobody that is known, a tenant, or an operator. */
export type Caller =
  | { kind: "anonymous" }
  | { kind: "tenant"; name: string; keyFingerprint: string }
  | { kind: "operator"; name: string; role: Role; groups: readonly string[]; keyFingerprint: string };

/** An operator's role. Each includes the one before it. */
export type Role = (typeof ROLES)[number];

/** The roles, least first. */
export const ROLES = ["viewer", "operator", "admin"] as const;

/** Who may make a call: anyone, any enrolled principal, tenants, or operators from a role upwards. */
export type Right = "anyone" | "enrolled" | "tenant" | Role;

/** Every call of the contract and who may make it. A call that is not here is refused. */
export const RIGHTS: Readonly<Record<string, Right>> = {
  "/drawbridge.v1.ControlService/Connect": "tenant",
  "/drawbridge.v1.RegistryService/Watch": "viewer",
  "/drawbridge.v1.SessionService/Open": "operator",
  "/drawbridge.v1.EnrollmentService/Enroll": "anyone",
  "/drawbridge.v1.EnrollmentService/Renew": "enrolled",
  "/drawbridge.v1.EnrollmentService/WhoAmI": "enrolled",
  "/drawbridge.v1.DiagnosticService/OpenTestLink": "enrolled",
  "/drawbridge.v1.AdminService/CreateInvite": "admin",
  "/drawbridge.v1.AdminService/ListTenants": "viewer",
  "/drawbridge.v1.AdminService/ListOperators": "admin",
  "/drawbridge.v1.AdminService/Revoke": "admin",
  "/drawbridge.v1.AdminService/ListSessions": "viewer",
  "/drawbridge.v1.AdminService/EndSession": "operator",
  "/drawbridge.v1.AdminService/ReadAudit": "admin",
  "/grpc.health.v1.Health/Check": "anyone",
  "/grpc.health.v1.Health/Watch": "enrolled",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": "enrolled",
};

function holds(right: Right, caller: Caller): boolean {
  switch (right) {
    case "anyone":
      return true;
    case "enrolled":
      return caller.kind !== "anonymous";
    case "tenant":
      return caller.kind === "tenant";
    case "viewer":
    case "operator":
    case "admin":
      return caller.kind === "operator" && ROLES.indexOf(caller.role) >= ROLES.indexOf(right);
  }
}

/** Lets a call through, or throws `unauthenticated` or `permission-denied`. */
export function checkRight(path: string, caller: Caller): void {
  const right = Object.hasOwn(RIGHTS, path) ? RIGHTS[path] : undefined;
  if (right !== undefined && holds(right, caller)) return;
  if (caller.kind === "anonymous") {
    throw new DrawbridgeError("unauthenticated", "this call needs an enrolled certificate", {
      remedy: "Enrol with an invite code first.",
    });
  }
  const who = caller.kind === "operator" ? `operator ${caller.name} (${caller.role})` : `tenant ${caller.name}`;
  throw new DrawbridgeError("permission-denied", `${who} may not call ${path.slice(path.lastIndexOf("/") + 1)}`, {
    remedy: "Ask an admin of the provider for the role that it needs.",
  });
}

/** Whether a caller may see and reach tenants in these groups. An operator without groups reaches all, and so do admins. */
export function mayReach(caller: Caller, groups: readonly string[]): boolean {
  if (caller.kind !== "operator") return false;
  if (caller.role === "admin" || caller.groups.length === 0) return true;
  return groups.some((group) => caller.groups.includes(group));
}
