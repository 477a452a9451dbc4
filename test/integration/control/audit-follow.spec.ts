import { expect } from "chai";
import { CloudBench } from "./cloud-bench.ts";

describe("following the audit log", () => {
  it("shows what was written before, and records as they are written, those of other processes too", async () => {
    await using bench = await CloudBench.start();
    const olga = await bench.enrolOperator("olga", "admin");
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { event, sequence } of bench.admin(olga).readAudit({ follow: true }, stop.signal)) {
      seen.push(event);
      // `cloud invite` writes past the running cloud redirector.
      if (sequence === 2) await bench.invite({ kind: "tenant", name: "acme", groups: [] });
      if (sequence === 3) break;
    }
    stop.abort();
    expect(seen).to.deep.equal(["invited", "enrolled", "invited"]);
  });
});
