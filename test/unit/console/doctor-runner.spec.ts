import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";
import { conclude, conclusionText } from "../../../packages/console-cli/src/doctor/conclusion.ts";
import { BEGINNING, Examination } from "../../../packages/console-cli/src/doctor/examination.ts";
import type { Finding, Step, StepResult } from "../../../packages/console-cli/src/doctor/step.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { thrown } from "../identity/thrown.ts";

const refusal = new DrawbridgeError("revoked", "it is not let in", { remedy: "Ask for a new code." });

/** A step that finds this, or throws it. */
function step<Input, Value>(
  id: string,
  outcome: (input: Input, signal: AbortSignal) => Promise<Finding<Value>>,
): Step<Input, Value> {
  return { id, title: id.toUpperCase(), timeoutMs: 1_000, check: outcome };
}

const ok = <Value>(value: Value): Promise<Finding<Value>> => Promise.resolve({ outcome: "ok", text: "fine", value });

describe("the doctor's runner", () => {
  let clock: FakeClock;
  let begun: string[];
  let abort: AbortController;
  let examination: Examination;

  beforeEach(() => {
    clock = new FakeClock();
    begun = [];
    abort = new AbortController();
    examination = new Examination({
      clock,
      signal: abort.signal,
      onBegin: ({ title }) => void begun.push(title),
      onResult: () => {},
    });
  });

  const outcomes = (): string[] => examination.results.map(({ step: id, outcome }) => `${id} ${outcome}`);

  it("hands what a step found to the step that builds upon it", async () => {
    const one = await examination.run(
      step("one", () => ok(41)),
      BEGINNING,
    );
    const two = await examination.run(
      step("two", (value: number) => ok(value + 1)),
      one,
    );
    expect(two).to.deep.equal({ state: "passed", value: 42 });
    expect(outcomes()).to.deep.equal(["one ok", "two ok"]);
  });

  it("skips what builds upon a step that failed, directly or not, names that step, and goes on with the rest", async () => {
    const one = await examination.run(
      step("one", () => Promise.reject(refusal)),
      BEGINNING,
    );
    const two = await examination.run(
      step("two", () => ok(undefined)),
      one,
    );
    await examination.run(
      step("three", () => ok(undefined)),
      two,
    );
    await examination.run(
      step("other", () => ok(undefined)),
      BEGINNING,
    );
    expect(outcomes()).to.deep.equal(["one failed", "two skipped", "three skipped", "other ok"]);
    expect(examination.results[2]?.text).to.equal("not tried, since this failed: ONE");
    expect(begun).to.deep.equal(["ONE", "OTHER"]);
  });

  it("goes on upon warnings and upon steps that had nothing to look at", async () => {
    const warned = await examination.run(
      step("warned", () => Promise.resolve({ outcome: "warning", text: "old", remedy: "Renew.", value: 1 })),
      BEGINNING,
    );
    const skipped = await examination.run(
      step("skipped", (value: number) => Promise.resolve({ outcome: "skipped", text: "none", value })),
      warned,
    );
    expect(skipped).to.deep.equal({ state: "passed", value: 1 });
  });

  it("takes what a step throws for its result, with code and remedy", async () => {
    await examination.run(
      step("one", () => Promise.reject(refusal)),
      BEGINNING,
    );
    await examination.run(
      step("two", () => Promise.reject(new TypeError("a bug"))),
      BEGINNING,
    );
    expect(examination.results[0]).to.deep.include({ code: "revoked", text: refusal.message, remedy: refusal.remedy });
    expect(examination.results[1]).to.deep.include({ code: "internal", text: "a bug" });
  });

  it("gives each step its time, tells it when that is over, and waits no longer for one that does not listen", async () => {
    let told = false;
    const deaf = step("deaf", (_input: undefined, signal) => {
      signal.addEventListener("abort", () => (told = true));
      clock.advance(999);
      expect(signal.aborted).to.equal(false);
      clock.advance(1);
      return new Promise<Finding<undefined>>(() => {});
    });
    const ground = await examination.run(deaf, BEGINNING);
    expect(ground).to.deep.equal({ state: "stopped", by: "DEAF" });
    expect(told).to.equal(true);
    expect(examination.results[0]).to.deep.include({ code: "handshake-timeout", ms: 1_000 });
    expect(examination.results[0]?.text).to.equal("there was no answer within 1 s");
    expect(clock.pending).to.equal(0);
  });

  it("ends at once when it is told to, in the middle of a step too, and reports nothing of that step", async () => {
    const waiting = step("waiting", () => {
      queueMicrotask(() => abort.abort(new DrawbridgeError("cancelled", "ended by SIGINT")));
      return new Promise<Finding<undefined>>(() => {});
    });
    expect((await thrown(() => examination.run(waiting, BEGINNING))).message).to.equal("ended by SIGINT");
    expect((await thrown(() => examination.run(waiting, BEGINNING))).message).to.equal("ended by SIGINT");
    expect(examination.results).to.deep.equal([]);
    expect(clock.pending).to.equal(0);
  });
});

describe("the doctor's conclusion", () => {
  const result = (outcome: StepResult["outcome"], code?: StepResult["code"]): StepResult => ({
    step: "x",
    title: "X",
    subject: "y:1",
    outcome,
    ms: 1,
    text: "it happened",
    remedy: "",
    code,
    details: {},
    error: undefined,
  });

  it("exits as the first failure demands, and with 0 where there are warnings only", () => {
    const exit = (...results: StepResult[]): number => conclude(results).exitCode;
    expect(exit(result("ok"), result("warning"), result("skipped"))).to.equal(0);
    expect(exit(result("ok"), result("failed", "dial-failed"), result("failed", "revoked"))).to.equal(4);
    expect(exit(result("failed", "revoked"), result("failed", "dial-failed"))).to.equal(3);
    expect(exit(result("failed", "home-missing"))).to.equal(2);
    expect(exit(result("failed", "internal"))).to.equal(5);
    expect(exit()).to.equal(0);
  });

  it("always counts every step and names the first that failed", () => {
    const any = fc.array(fc.constantFrom("ok", "warning", "failed", "skipped").map((outcome) => result(outcome)));
    const property = fc.property(any, (results) => {
      const { counts, first } = conclude(results);
      expect(Object.values(counts).reduce((sum, each) => sum + each, 0)).to.equal(results.length);
      expect(first).to.equal(results.find(({ outcome }) => outcome === "failed"));
    });
    fc.assert(property);
  });

  it("tells people what failed first and what to do", () => {
    const text = conclusionText(conclude([result("ok"), result("failed", "dial-failed"), result("skipped")]));
    expect(text).to.equal(
      "1 ok, 0 warnings, 1 failed, 1 skipped.\nThe first that failed: X of y:1: it happened.\n" +
        "What to do: Look at the logs of both ends.",
    );
    expect(conclusionText(conclude([result("ok")]))).to.equal("All is well: 1 ok, 0 warnings, 0 failed, 0 skipped.");
  });
});
