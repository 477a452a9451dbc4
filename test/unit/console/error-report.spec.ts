import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { reportError } from "../../../packages/console-cli/src/rendering/error-report.ts";
import { Output } from "../../../packages/console-cli/src/rendering/output.ts";
import { FakeStream } from "./fake-stream.ts";

function report(error: unknown, options: { json?: boolean; verbose?: boolean } = {}) {
  const [stdout, stderr] = [new FakeStream(), new FakeStream()];
  using output = new Output({ json: options.json ?? false, stdout, stderr, env: {} });
  const code = reportError(error, output, options.verbose ?? false);
  return { code, stdout: stdout.written, stderr: stderr.written };
}

describe("reportError", () => {
  const offline = new DrawbridgeError("tenant-offline", "the tenant acme is offline", {
    remedy: "Ask them to start their tenant redirector",
    cause: new Error("no control connection", { cause: new Error("ECONNRESET") }),
  });

  it("says in one line what happened and what to do next", () => {
    expect(report(offline)).to.deep.equal({
      code: 4,
      stdout: "",
      stderr: "drawbridge: the tenant acme is offline. Ask them to start their tenant redirector.\n",
    });
  });

  it("says what helps where a peer told an end and no more", () => {
    const { stderr } = report(new DrawbridgeError("shutting-down", "the cloud redirector stops"));
    expect(stderr).to.equal("drawbridge: the cloud redirector stops. Try again in a minute.\n");
  });

  it("prints an object on standard output with --json", () => {
    const { code, stdout, stderr } = report(offline, { json: true });
    expect(code).to.equal(4);
    expect(JSON.parse(stdout)).to.deep.equal({
      event: "error",
      code: "tenant-offline",
      message: "the tenant acme is offline",
      remedy: "Ask them to start their tenant redirector",
    });
    expect(stderr).to.equal("");
  });

  it("adds the causes when asked", () => {
    const { stderr } = report(offline, { verbose: true });
    expect(stderr).to.match(/caused by: Error: no control connection[\s\S]*caused by: Error: ECONNRESET/);
  });

  it("stays one line whatever the message holds", () => {
    const { stderr } = report(new DrawbridgeError("consent-refused", "refused:\nno \u001b[2Jthanks!"));
    expect(stderr).to.equal("drawbridge: refused: no \\x1b[2Jthanks!\n");
  });

  it("takes anything that was thrown for an internal error, and shows its stack only when asked", () => {
    expect(report(new TypeError("x is not a function"))).to.deep.equal({
      code: 5,
      stdout: "",
      stderr: "drawbridge: x is not a function. Run it again with --verbose to see where it came from.\n",
    });
    expect(report("a text").code).to.equal(5);
    expect(report(undefined, { verbose: true }).code).to.equal(5);
  });

  it("ends with a chain of causes that bites its own tail", () => {
    const [first, second] = [new Error("first"), new Error("second")];
    first.cause = second;
    second.cause = first;
    expect(report(first, { verbose: true }).stderr.length).to.be.below(50_000);
  });
});
