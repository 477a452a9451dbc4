import { expect } from "chai";

import { formatByteCounts, formatBytes, readByteCounts } from "../../../scripts/demo/byte-counts.ts";

describe("the demonstration's byte counts", () => {
  it("are shown in the largest unit of which there is one", () => {
    expect([0, 999, 1_000, 30_249, 18_000_000, 4e12].map(formatBytes)).to.deep.equal([
      "0 B",
      "999 B",
      "1.0 kB",
      "30.2 kB",
      "18.0 MB",
      "4.0 TB",
    ]);
  });

  it("are read from an event, with what is missing as 0", () => {
    const counts = readByteCounts({ event: "bytes", toTenant: 3_800, links: 1 });
    expect(formatByteCounts(counts)).to.equal("3.8 kB to the tenant, 0 B to the operator, 1 link");
  });
});
