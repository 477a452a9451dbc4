import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { inRounds, Samples } from "../../bench/harness/bench.ts";
import { CpuShare } from "../../bench/harness/cpu-share.ts";
import { thisMachine } from "../../bench/harness/machine.ts";
import { cpuSeconds, residentBytes } from "../../bench/harness/process-usage.ts";
import { publish, type Result } from "../../bench/harness/publish.ts";
import { isMet, medianAdded, ratio, type Measurement, type Report } from "../../bench/harness/report.ts";
import { measurementTable } from "../../bench/harness/tables.ts";
import { median, quantile, spread } from "../../bench/harness/statistics.ts";

const measurement: Measurement = {
  id: "speed",
  title: "Speed <up & down>",
  unit: "Gbit/s",
  better: "higher",
  samples: { none: [10, 20, 30], "cloud redirector": [11, 22, 36], peer: [12, 21, 32] },
};

describe("the bench's statistics", () => {
  it("know the middle, the shares and the spread", () => {
    expect(median([3, 1, 2])).to.equal(2);
    expect(median([4, 1, 2, 3])).to.equal(2.5);
    expect(quantile([0, 10, 20, 30, 40], 0.99)).to.be.closeTo(39.6, 1e-9);
    expect(spread([3, 1, 2])).to.deep.equal([1, 3]);
    expect(median([])).to.be.NaN;
  });

  it("compare subjects by their medians, and what they add round by round", () => {
    expect(ratio(measurement, "cloud redirector", "peer")).to.equal(22 / 21);
    expect(medianAdded(measurement, "cloud redirector", "none")).to.equal(2);
    expect(medianAdded(measurement, "peer", "none")).to.equal(2);
  });

  it("know which bars are met", () => {
    const bar = { what: "", unit: "", limit: 1 };
    expect(isMet({ ...bar, value: 1, better: "lower" })).to.equal(true);
    expect(isMet({ ...bar, value: 1.01, better: "lower" })).to.equal(false);
    expect(isMet({ ...bar, value: 0.99, better: "higher" })).to.equal(false);
    expect(isMet({ ...bar, value: Number.NaN, better: "lower" })).to.equal(false);
  });

  it("read what a process uses", function () {
    if (process.platform !== "linux") return this.skip();
    const { user, system } = process.cpuUsage();
    expect(cpuSeconds(process.pid)).to.be.closeTo((user + system) / 1e6, 1);
    expect(residentBytes(process.pid)).to.be.above(10_000_000);
  });
});

describe("the bench's shares of a core", () => {
  let root: string;
  beforeEach(async () => (root = await mkdtemp(join(tmpdir(), "drawbridge-shares-"))));
  afterEach(() => rm(root, { recursive: true }));
  const read = (...path: string[]): Promise<string> => readFile(join(root, ...path), "utf8");

  it("are set in either version of control groups", async () => {
    for (const [sign, file, expected] of [
      ["cpu.cfs_quota_us", "cpu.cfs_quota_us", "1500"],
      ["cgroup.subtree_control", "cpu.max", "1500 10000"],
    ] as const) {
      const version = join(root, file);
      await mkdir(version);
      await writeFile(join(version, sign), "");
      CpuShare.of(process.pid, 0.15, [join(root, "none"), version]);
      const group = `drawbridge-bench-${process.pid}`;
      expect(await read(file, group, file)).to.equal(expected);
      expect(await read(file, group, "cgroup.procs")).to.equal(String(process.pid));
    }
  });

  it("say so where there are no control groups", () => {
    expect(() => CpuShare.of(process.pid, 0.15, [root])).to.throw("no control groups");
  });
});

describe("the bench's rounds", () => {
  const options = { rounds: 3, seconds: 1, signal: new AbortController().signal, tell: () => {} };

  it("measure each subject once a round, each round beginning with another", async () => {
    const order: string[] = [];
    const samples = new Samples(["a", "b", "c"]);
    await inRounds(["a", "b", "c"], options, (subject, round) => {
      order.push(`${subject}${round}`);
      samples.add(subject, round);
      return Promise.resolve();
    });
    expect(order.join(" ")).to.equal("a0 b0 c0 b1 c1 a1 c2 a2 b2");
    expect(samples.samples).to.deep.equal({ a: [0, 1, 2], b: [0, 1, 2], c: [0, 1, 2] });
  });

  it("end when the bench is stopped", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));
    const outcome = await inRounds(["a"], { ...options, signal }, () => Promise.resolve()).catch(String);
    expect(outcome).to.equal("Error: stopped");
  });
});

describe("the bench's publication", () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "drawbridge-bench-"))));
  afterEach(() => rm(folder, { recursive: true }));

  const report: Report = {
    title: "A title",
    method: ["How it was done."],
    measurements: [measurement],
    bars: [{ what: "Speed", value: 1.04, limit: 2, better: "higher", unit: "× peer", limitedBy: "the machine" }],
  };
  const result: Result = { date: "2026-11-22", rounds: 3, seconds: 1, machine: thisMachine(), report };

  it("has method, machine, medians, spread and bars, and keeps what other benches found", async () => {
    await publish(folder, { first: result });
    await publish(folder, { second: { ...result, report: { ...report, title: "Another title" } } });
    const text = await readFile(join(folder, "BENCHMARKS.md"), "utf8");
    for (const part of [
      "## A title",
      "## Another title",
      "How it was done.",
      "3 rounds of 1 s",
      "22.0 (11.0 to 36.0)",
    ]) {
      expect(text).to.include(part);
    }
    expect(text).to.match(/1\.04 × peer\s+\| ≥ 2\s+\| missed: the machine/);
    expect(await readdir(join(folder, "benchmarks"))).to.deep.equal(["speed.svg"]);
  });

  it("has a row for each subject, and with many measurements a row for each of those", () => {
    const many = (count: number): string[] =>
      measurementTable(Array.from({ length: count }, () => measurement))
        .split("\n")
        .map((line) => line.split("|")[1]?.trim() ?? "");
    expect(many(6)).to.deep.equal(["", "-".repeat("cloud redirector".length), "none", "cloud redirector", "peer"]);
    expect(many(7).slice(2)).to.deep.equal(Array(7).fill("Speed <up & down>, Gbit/s"));
  });

  it("draws a bar and a whisker for each subject, and escapes what it writes", async () => {
    await publish(folder, { first: result });
    const svg = await readFile(join(folder, "benchmarks", "speed.svg"), "utf8");
    expect(svg.match(/<path /g)).to.have.length(3);
    expect(svg).to.include("Speed &lt;up &amp; down>").and.to.include("Gbit/s, higher is better");
  });
});
