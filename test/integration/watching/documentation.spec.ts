import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { withMetrics } from "../../../scripts/print-metrics.ts";

describe("docs/WATCHING.md", () => {
  it("has the metrics that the code has", async () => {
    const text = await readFile(new URL("../../../docs/WATCHING.md", import.meta.url), "utf8");
    expect(withMetrics(text), "run `node scripts/print-metrics.ts --write`").to.equal(text);
  });
});
