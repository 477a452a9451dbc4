import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { startChain, stopChain } from "../../support/chain.ts";
import type { Chain } from "../../support/chain.ts";

const BUF = fileURLToPath(new URL("../../../node_modules/.bin/buf", import.meta.url));

describe("standard services, tried with buf curl over mutual TLS", function () {
  this.timeout(60_000);
  let chain: Chain;

  before(async () => {
    chain = await startChain(["rdp=127.0.0.1:9"]);
  });
  after(() => stopChain(chain));

  /** Calls with the operator's certificate, or with none; the contract comes from the server itself, or from proto/. */
  async function curl(call: string, data: string, { anonymous = false, schema = "" } = {}): Promise<string> {
    const file = (name: string): string => join(chain.operatorHome, "operator", name);
    const own = anonymous ? [] : ["--cert", file("certificate.pem"), "--key", file("key.pem")];
    const tls = ["--cacert", file("authorities.pem"), "--servername", "cloud.drawbridge.internal", ...own];
    const from = schema === "" ? [] : ["--schema", schema];
    const args = ["curl", ...tls, ...from, "--protocol", "grpc", "--data", data, `https://${chain.address}/${call}`];
    return (await promisify(execFile)(BUF, args)).stdout;
  }

  it("tells that it serves, as a whole and by service, also to who has no certificate", async () => {
    for (const service of ["", "drawbridge.v1.SessionService"]) {
      const answer = await curl("grpc.health.v1.Health/Check", JSON.stringify({ service }));
      expect(JSON.parse(answer)).to.deep.equal({ status: "SERVING" });
    }
    const schema = fileURLToPath(new URL("../../../proto", import.meta.url));
    const answer = await curl("grpc.health.v1.Health/Check", "{}", { anonymous: true, schema });
    expect(JSON.parse(answer)).to.deep.equal({ status: "SERVING" });
  });

  it("does not know a service that it has not", async () => {
    expect(await complaint(curl("grpc.health.v1.Health/Check", '{"service":"x.Y"}'))).to.contain("not_found");
  });

  it("tells its contract by reflection, so that a call can be made with nothing else", async () => {
    const answer = JSON.parse(await curl("drawbridge.v1.AdminService/ListTenants", "{}")) as { tenants: unknown[] };
    expect(answer.tenants).to.have.length(1);
  });

  it("tells the call by which one asks who one is, and answers it", async () => {
    const answer = JSON.parse(await curl("drawbridge.v1.EnrollmentService/WhoAmI", "{}")) as object;
    const alice = { kind: "PRINCIPAL_KIND_OPERATOR", name: "alice", role: "OPERATOR_ROLE_OPERATOR", provider: "demo" };
    expect(answer).to.include(alice).and.have.property("certificateExpires");
  });

  it("tells its contract to nobody without a certificate", async () => {
    const call = curl("drawbridge.v1.AdminService/ListTenants", "{}", { anonymous: true });
    expect(await complaint(call)).to.contain("failed to find service");
  });
});

async function complaint(call: Promise<string>): Promise<string> {
  return call.then(
    () => "",
    (error: unknown) => (error as { stderr: string }).stderr,
  );
}
