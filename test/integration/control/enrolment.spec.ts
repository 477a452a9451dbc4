import {
  createCertificateRequest,
  generateKeyPairP256,
  importPrivateKeyPem,
  type InviteCode,
  InviteSecret,
} from "@drawbridge/control/identity";
import { redeemInvite, RpcChannel, serviceDefinition } from "@drawbridge/control/rpc";
import { Reach } from "@drawbridge/dataplane";
import { PrincipalKind } from "@drawbridge/gen/drawbridge/v1/common";
import { EnrollmentService } from "@drawbridge/gen/drawbridge/v1/enrollment";
import { expect } from "chai";
import { thrown } from "../../unit/identity/thrown.ts";
import { CloudBench, TodaysFakeClock } from "./cloud-bench.ts";

const enrollment = serviceDefinition(EnrollmentService);
const forTenant = { kind: "tenant", name: "acme", groups: [] } as const;

describe("enrolment", () => {
  let bench: CloudBench;
  beforeEach(async () => {
    bench = await CloudBench.start();
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const audited = async (): Promise<string[]> => (await bench.home.store.audit.read()).map(({ event }) => event);

  it("PEERS security 10: redeems a code once, and says who the caller now is", async () => {
    const code = await bench.invite(forTenant);
    const identity = await redeemInvite("tenant", code, new Reach());
    expect(identity).to.include({ kind: "tenant", name: "acme", provider: "example" });
    expect((await thrown(() => redeemInvite("tenant", code, new Reach()))).code).to.equal("invite-invalid");
    expect(await audited()).to.deep.equal(["invited", "enrolled", "enrolment-refused"]);
  });

  it("lets one of many win that redeem the same code at once", async () => {
    const code = await bench.invite(forTenant);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => redeemInvite("tenant", code, new Reach())),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).to.have.length(1);
  });

  it("PEERS security 10: refuses a code for the other kind, which stays good", async () => {
    const code = await bench.invite(forTenant);
    expect((await thrown(() => redeemInvite("operator", code, new Reach()))).code).to.equal("invite-invalid");
    expect((await redeemInvite("tenant", code, new Reach())).name).to.equal("acme");
  });

  it("refuses a guessed secret with words that name nobody who was ever invited", async () => {
    const code = await bench.invite(forTenant);
    const guessed: InviteCode = { ...code, secret: InviteSecret.random() };
    const error = await thrown(() => redeemInvite("tenant", guessed, new Reach()));
    expect(error.code).to.equal("invite-invalid");
    expect(`${error.message} ${error.remedy}`).not.to.contain("acme");
  });

  it("refuses a request that is no request, and leaves the code good", async () => {
    const code = await bench.invite(forTenant);
    const identity = await redeemInvite(
      "operator",
      await bench.invite({ kind: "operator", name: "o", role: "viewer", groups: [] }),
      new Reach(),
    );
    const client = anonymous(bench, identity.certificateAuthorities);
    const request = {
      secret: Uint8Array.from(code.secret.bytes()),
      certificateRequest: new Uint8Array(100),
      kind: PrincipalKind.TENANT,
    };
    expect((await thrown(() => client.call.enroll(request))).code).to.equal("certificate-invalid");
    client.close();
    expect((await redeemInvite("tenant", code, new Reach())).name).to.equal("acme");
  });

  it("keeps secrets out of the log and the audit log", async () => {
    const code = await bench.invite(forTenant);
    await redeemInvite("tenant", code, new Reach());
    await thrown(() => redeemInvite("tenant", code, new Reach()));
    const told = JSON.stringify([bench.log, await bench.home.store.audit.read()]);
    for (const form of ["hex", "base64", "base64url"] as const) {
      expect(told).not.to.contain(code.secret.bytes().toString(form));
    }
  });

  it("renews a certificate for the enrolled key, and refuses another key", async () => {
    const acme = await bench.enrolTenant("acme");
    const client = bench.channel(acme).client(enrollment);
    const own = await createCertificateRequest(importPrivateKeyPem(acme.privateKey, "key"));
    expect((await client.renew({ certificateRequest: own })).certificate.length).to.be.greaterThan(100);
    const other = await createCertificateRequest(await generateKeyPairP256());
    expect((await thrown(() => client.renew({ certificateRequest: other }))).code).to.equal("certificate-invalid");
  });

  it("takes the old key's access and connections away when a name enrols anew", async () => {
    const old = await bench.enrolTenant("acme");
    const tenant = await bench.tenant(old);
    const now = await bench.enrolTenant("acme");
    await tenant.end();
    const back = await bench.tenant(now);
    expect(await bench.tenant(old).catch((error: unknown) => error)).to.have.property("code", "revoked");
    back.cut();
  });

  it("is the only call for callers without a certificate", async () => {
    const identity = await bench.enrolOperator("olga", "admin");
    const client = anonymous(bench, identity.certificateAuthorities);
    const request = { certificateRequest: new Uint8Array(64) };
    expect((await thrown(() => client.call.renew(request))).code).to.equal("unauthenticated");
    client.close();
  });
});

describe("enrolment with a late code", () => {
  it("PEERS security 10: is refused from the moment at which the code expires", async () => {
    const clock = new TodaysFakeClock();
    await using bench = await CloudBench.start(clock);
    const code = await bench.invite({ ...forTenant, expiresInMs: 60_000 });
    clock.advance(60_000);
    expect((await thrown(() => redeemInvite("tenant", code, new Reach()))).code).to.equal("invite-invalid");
  });
});

function anonymous({ address }: CloudBench, certificateAuthorities: string[]) {
  const channel = new RpcChannel({
    address,
    reach: new Reach(),
    certificateAuthorities,
    serverName: "cloud.drawbridge.internal",
  });
  return { call: channel.client(enrollment), close: () => channel.close() };
}
