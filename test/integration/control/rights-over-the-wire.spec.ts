import type { ClientHttp2Session } from "node:http2";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { RIGHTS } from "@drawbridge/control/cloud";
import {
  certificateToPem,
  createCertificateRequest,
  type EnrolledIdentity,
  importPrivateKeyPem,
} from "@drawbridge/control/identity";
import type { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { type Caller, checkRight } from "../../../packages/control/src/cloud/rights.ts";
import { contractMethods, pathOf } from "../../support/contract.ts";
import { CloudBench } from "./cloud-bench.ts";
import { rawAnswer, rawConnection } from "./raw-answer.ts";
import type { ScriptedOperator, ScriptedTenant } from "./scripted-peers.ts";

const HOUR_MS = 3_600_000;
const METHODS = await contractMethods();
const PATHS = METHODS.map(pathOf);

/** The codes by which authorization refuses. What is refused by another has got past it. */
const REFUSALS = new Set<string | undefined>(["unauthenticated", "permission-denied", "revoked"]);

/** Each principal that is good, as the cloud redirector is to see it. */
const CALLERS: Readonly<Record<string, Caller>> = {
  nobody: { kind: "anonymous" },
  tenant: { kind: "tenant", name: "acme", keyFingerprint: "" },
  viewer: { kind: "operator", name: "viewer", role: "viewer", groups: [], keyFingerprint: "" },
  operator: { kind: "operator", name: "operator", role: "operator", groups: [], keyFingerprint: "" },
  admin: { kind: "operator", name: "admin", role: "admin", groups: [], keyFingerprint: "" },
};

/** What the table of rights says; the unit test of the table holds what it should say. */
function expectedCode(path: string, caller: Caller): string | undefined {
  try {
    checkRight(path, caller);
    return undefined;
  } catch (error) {
    return (error as DrawbridgeError).code;
  }
}

describe("every call of the contract, over the wire", () => {
  let bench: CloudBench;
  const identities: Record<string, EnrolledIdentity> = {};
  const sessions: ClientHttp2Session[] = [];

  before(async () => {
    bench = await CloudBench.start();
    identities["tenant"] = await bench.enrolTenant("acme", ["north"]);
    for (const role of ["viewer", "operator", "admin"] as const) {
      identities[role] = await bench.enrolOperator(role, role);
    }
  });

  after(async () => {
    for (const session of sessions) session.destroy();
    await bench[Symbol.asyncDispose]();
  });

  function connection(identity?: EnrolledIdentity): ClientHttp2Session {
    const tls = identity === undefined ? {} : { cert: identity.certificate, key: identity.privateKey };
    const session = rawConnection(bench.port, tls);
    sessions.push(session);
    return session;
  }

  /** The code of the refusal by authorization of each call; undefined for one that got past it. */
  async function refusals(identity?: EnrolledIdentity): Promise<Record<string, string | undefined>> {
    const session = connection(identity);
    const found: Record<string, string | undefined> = {};
    for (const path of PATHS) {
      const { code } = await rawAnswer(session, path);
      found[path] = REFUSALS.has(code) ? code : undefined;
    }
    return found;
  }

  const allAs = (code: (path: string) => string | undefined): Record<string, string | undefined> =>
    Object.fromEntries(PATHS.map((path) => [path, code(path)]));

  it("is in the table of rights, which names no other", () => {
    expect([...PATHS].sort()).to.deep.equal(Object.keys(RIGHTS).sort());
  });

  for (const [who, caller] of Object.entries(CALLERS)) {
    it(`PEERS security 13: is refused to ${who}, or not, as the table of rights says`, async () => {
      expect(await refusals(identities[who])).to.deep.equal(allAs((path) => expectedCode(path, caller)));
    });
  }

  for (const who of ["tenant", "viewer", "operator", "admin"]) {
    it(`is refused with an expired certificate of a ${who} as without one`, async () => {
      const expired = await expiredOf(bench, identities[who]!);
      expect(await refusals(expired)).to.deep.equal(allAs((path) => expectedCode(path, { kind: "anonymous" })));
    });

    it(`is refused to a revoked ${who}, whatever it is`, async () => {
      const name = `gone-${who}`;
      const identity = who === "tenant" ? await bench.enrolTenant(name) : await bench.enrolOperator(name, role(who));
      await bench.home.store.principals.setRevoked(identity.kind, name, Date.now());
      expect(await refusals(identity)).to.deep.equal(allAs(() => "revoked"));
    });

    it(`is refused to the old key of a ${who} that has enrolled anew`, async () => {
      const name = `anew-${who}`;
      const enrol = () => (who === "tenant" ? bench.enrolTenant(name) : bench.enrolOperator(name, role(who)));
      const old = await enrol();
      await enrol();
      expect(await refusals(old)).to.deep.equal(allAs(() => "revoked"));
    });
  }

  describe("by operators of another group", () => {
    let tenant: ScriptedTenant;
    let operator: ScriptedOperator;
    let names: Readonly<Record<string, string>>;

    before(async () => {
      tenant = await bench.tenant(identities["tenant"]!);
      const opened = await bench.session(tenant, identities["admin"]!);
      operator = opened.operator;
      names = { tenant: "acme", target: "rdp", sessionId: opened.sessionId };
    });

    after(() => {
      operator.cut();
      tenant.cut();
    });

    for (const each of ["viewer", "operator"] as const) {
      it(`finds neither tenant nor session for a ${each}, and tells nothing of them`, async () => {
        const session = connection(await bench.enrolOperator(`south-${each}`, each, ["south"]));
        const caller: Caller = { ...CALLERS[each]!, groups: ["south"] } as Caller;
        const allowed = METHODS.filter((method) => expectedCode(pathOf(method), caller) === undefined);
        let named = 0;
        for (const method of allowed) {
          const message = naming(method.input, names);
          const { code, data } = await rawAnswer(session, pathOf(method), message ?? new Uint8Array());
          expect(data.includes("acme"), pathOf(method)).to.equal(false);
          if (message === undefined) continue;
          named += 1;
          expect(code, pathOf(method)).to.be.oneOf(["tenant-not-found", "session-not-found"]);
        }
        expect(named).to.equal(each === "operator" ? 2 : 0);
      });
    }

    it("finds them for an operator of the right group", async () => {
      const session = connection(await bench.enrolOperator("north-viewer", "viewer", ["north"]));
      for (const call of ["AdminService/ListTenants", "AdminService/ListSessions", "RegistryService/Watch"]) {
        expect((await rawAnswer(session, `/drawbridge.v1.${call}`)).data.includes("acme"), call).to.equal(true);
      }
    });
  });
});

const role = (who: string): "viewer" | "operator" | "admin" => (who === "viewer" || who === "admin" ? who : "operator");

/** The same principal and key, with a certificate that was good until an hour ago. */
async function expiredOf({ home }: CloudBench, identity: EnrolledIdentity): Promise<EnrolledIdentity> {
  const { kind, name, provider } = identity;
  const request = await createCertificateRequest(importPrivateKeyPem(identity.privateKey));
  const validity = { now: Date.now() - 2 * HOUR_MS, lifeMs: HOUR_MS };
  const { der } = await home.authority.issuePrincipalCertificate({ kind, name, provider }, request, validity);
  return { ...identity, certificate: certificateToPem(der) };
}

/** A message of this type that names a tenant or a session, by its fields' names; undefined where it cannot. */
function naming(type: DescMessage, names: Readonly<Record<string, string>>): Uint8Array | undefined {
  const init = initNaming(type, names);
  return init === undefined ? undefined : toBinary(type, create(type, init as MessageInitShape<DescMessage>));
}

function initNaming(type: DescMessage, names: Readonly<Record<string, string>>): object | undefined {
  const texts = type.fields.filter(
    ({ fieldKind, localName }) => fieldKind === "scalar" && names[localName] !== undefined,
  );
  if (texts.some(({ localName }) => localName !== "target")) {
    return Object.fromEntries(texts.map(({ localName }) => [localName, names[localName]]));
  }
  for (const { oneof, message, localName } of type.fields) {
    if (message === undefined) continue;
    const value = initNaming(message, names);
    if (value === undefined) continue;
    return oneof === undefined ? { [localName]: value } : { [oneof.localName]: { case: localName, value } };
  }
  return undefined;
}
