import { expect } from "chai";
import { tenantServiceReport } from "../../../packages/console-cli/src/commands/tenant-service-report.ts";

const MINUTE_MS = 60_000;

describe("tenantServiceReport", () => {
  it("says where the tenant is connected, for however long", () => {
    const connection = { name: "connected", address: "127.0.0.1:1", provider: "demo", since: 0 } as const;
    expect(tenantServiceReport({ connection }, 1e12)).to.deep.equal({ status: "connected to demo at 127.0.0.1:1" });
  });

  it("says why it is not, and is healthy as long as it keeps trying", () => {
    const connection = { name: "disconnected", why: "nothing listens there", since: 1_000 } as const;
    const status = "not connected: nothing listens there";
    expect(tenantServiceReport({ connection }, 9 * MINUTE_MS)).to.deep.equal({ status, healthy: true });
    expect(tenantServiceReport({ connection }, 11 * MINUTE_MS)).to.deep.equal({ status, healthy: false });
  });
});
