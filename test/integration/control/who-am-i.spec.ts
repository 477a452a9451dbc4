import { certificateFacts, certificateFromPem, type EnrolledIdentity } from "@drawbridge/control/identity";
import { type EnrolledCaller, openChannel, whoAmI } from "@drawbridge/control/rpc";
import { Reach } from "@drawbridge/dataplane";
import { expect } from "chai";
import { thrown } from "../../unit/identity/thrown.ts";
import { CloudBench } from "./cloud-bench.ts";

/** Never fires: mocha's own timeout ends a test that hangs. */
const { signal } = new AbortController();

describe("who one is, as the cloud redirector says", () => {
  let bench: CloudBench;
  beforeEach(async () => (bench = await CloudBench.start()));
  afterEach(() => bench[Symbol.asyncDispose]());

  const ask = (identity: EnrolledIdentity): Promise<EnrolledCaller | undefined> =>
    whoAmI(bench.channel(identity), signal);
  const endOf = ({ certificate }: EnrolledIdentity): number =>
    certificateFacts(certificateFromPem(certificate)).notAfter;

  it("is an operator's role and groups, and the end of its certificate", async () => {
    for (const role of ["viewer", "operator", "admin"] as const) {
      const identity = await bench.enrolOperator(role, role, role === "admin" ? [] : ["north", "south"]);
      expect(await ask(identity)).to.deep.equal({
        kind: "operator",
        name: role,
        role,
        groups: role === "admin" ? [] : ["north", "south"],
        certificateExpires: endOf(identity),
        provider: "example",
      });
    }
  });

  it("is a tenant's groups, those of its newest enrolment", async () => {
    await bench.enrolTenant("acme", ["north"]);
    const identity = await bench.enrolTenant("acme", ["east"]);
    expect(await ask(identity)).to.deep.equal({
      kind: "tenant",
      name: "acme",
      role: undefined,
      groups: ["east"],
      certificateExpires: endOf(identity),
      provider: "example",
    });
  });

  it("is told to nobody whose access was taken away", async () => {
    const identity = await bench.enrolOperator("olga");
    await bench.home.store.principals.setRevoked("operator", "olga", Date.now());
    const channel = openChannel(identity, bench.address, new Reach());
    expect((await thrown(() => whoAmI(channel, signal))).code).to.equal("revoked");
    channel.close();
  });
});
