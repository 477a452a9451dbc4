import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { Output } from "../../../packages/console-cli/src/rendering/output.ts";
import { StatusLine } from "../../../packages/console-cli/src/rendering/status-line.ts";
import { FakeStream } from "./fake-stream.ts";

const outputUrl = new URL("../../../packages/console-cli/src/rendering/output.ts", import.meta.url).href;

describe("Output", () => {
  it("prints a JSON line with --json and text without", () => {
    for (const [json, line] of [
      [true, '{"name":"acme","bytes":5,"big":"18446744073709551615"}\n'],
      [false, "acme is online\n"],
    ] as const) {
      const stdout = new FakeStream();
      using output = new Output({ json, stdout, stderr: new FakeStream(), env: {} });
      output.result({ name: "acme", bytes: 5n, big: 2n ** 64n - 1n }, "acme is online");
      expect(stdout.written).to.equal(line);
    }
  });

  it("keeps standard output clean of all that is said by the way", () => {
    const [stdout, stderr] = [new FakeStream(), new FakeStream({ isTTY: true })];
    using output = new Output({ json: true, stdout, stderr, env: {} });
    output.text("for people");
    output.note("by the way");
    output.status.update("working");
    expect(stdout.written).to.equal("");
    expect(stderr.written).to.equal("by the way\n");
  });

  it("escapes in JSON what would steer a terminal", () => {
    const stdout = new FakeStream();
    using output = new Output({ json: true, stdout, stderr: new FakeStream(), env: {} });
    output.record({ name: "\u009b2J\u202e" });
    expect(stdout.written).to.equal('{"name":"\\u009b2J\\u202e"}\n');
  });

  it("knows the width of a terminal and of nothing else", () => {
    const widthOf = (stdout: FakeStream): number | undefined => {
      using output = new Output({ json: false, stdout, stderr: new FakeStream(), env: {} });
      return output.width;
    };
    expect(widthOf(new FakeStream({ isTTY: true, columns: 61 }))).to.equal(61);
    expect(widthOf(new FakeStream())).to.equal(undefined);
  });

  it("does not draw on a terminal that says of itself that it is dumb", () => {
    const [stdout, stderr] = [new FakeStream({ isTTY: true }), new FakeStream({ isTTY: true })];
    using output = new Output({ json: false, stdout, stderr, env: { TERM: "dumb" } });
    output.status.update("working");
    output.note("by the way");
    expect([output.width, output.height]).to.deep.equal([undefined, undefined]);
    expect(stderr.written).to.equal("by the way\n");
  });

  it("says that it is closed, and survives, when nobody reads", async () => {
    const stdout = new FakeStream({ broken: true });
    using output = new Output({ json: false, stdout, stderr: new FakeStream({ broken: true }), env: {} });
    const closed = once(output.closed, "abort");
    output.text("one");
    await closed;
    output.text("two");
    output.note("three");
    await output.flush();
    expect(output.closed.aborted).to.be.true;
  });

  it("takes the status line away around other text", () => {
    const stderr = new FakeStream({ isTTY: true });
    using output = new Output({ json: false, stdout: new FakeStream(), stderr, env: {} });
    output.status.update("3 links");
    output.note("hello");
    expect(stderr.written).to.equal("\r\u001b[2K3 links\r\u001b[2Khello\n\r\u001b[2K3 links");
  });

  it("ends a real pipeline quietly when its reader goes away", async () => {
    const program = `
      import { Output } from ${JSON.stringify(outputUrl)};
      const output = new Output({ json: false });
      while (!output.closed.aborted) {
        output.text("a line that goes on for ever");
        await new Promise((resolve) => setImmediate(resolve));
      }
      await output.flush();`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let complaints = "";
    child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
    await once(child.stdout, "data");
    child.stdout.destroy();
    const [code] = (await once(child, "close")) as [number | null];
    expect({ code, complaints }).to.deep.equal({ code: 0, complaints: "" });
  });
});

describe("StatusLine", () => {
  it("writes nothing where there is no terminal", () => {
    const stream = new FakeStream();
    const line = new StatusLine(stream);
    line.update("working");
    line.clear();
    expect(stream.written).to.equal("");
  });

  it("cuts to the terminal's width, shows the same text once, and clears once", () => {
    const stream = new FakeStream({ isTTY: true, columns: 10 });
    const line = new StatusLine(stream);
    line.update("0123456789abc");
    line.update("0123456789abc");
    line.clear();
    line.clear();
    expect(stream.written).to.equal("\r\u001b[2K01234567…\r\u001b[2K");
  });

  it("takes away all rows that it has been wrapped into since", () => {
    const stream = new FakeStream({ isTTY: true, columns: 30 });
    const line = new StatusLine(stream);
    line.update("0123456789abcdef");
    stream.columns = 8;
    line.update("012");
    line.clear();
    expect(stream.written).to.equal("\r\u001b[2K0123456789abcdef\r\u001b[1A\u001b[J012\r\u001b[2K");
  });
});
