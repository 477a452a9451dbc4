import type { ServerResponse } from "node:http";
import { openTracer, type Tracer } from "@drawbridge/control/watching";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { OtlpReceiver } from "../../support/otlp-receiver.ts";
import { thrown } from "../identity/thrown.ts";

/** More spans than wait, and than go into one message. */
const MANY = 5_000;
const MOST_KEPT = 4_096 + 256;

interface Bench {
  readonly tracer: Tracer;
  readonly warnings: string[];
}

async function open(environment: Record<string, string>): Promise<Bench> {
  const warnings: string[] = [];
  const quiet = (): void => {};
  const log = { info: quiet, debug: quiet, error: quiet, warn: (_: object, text: string) => void warnings.push(text) };
  return { tracer: await openTracer("drawbridge-test", environment, log), warnings };
}

const begun = ({ tracer }: Bench): string => tracer.begin("x").traceparent;

describe("the tracer that the environment asks for", () => {
  for (const [what, environment] of [
    ["nothing is said", {}],
    ["the address is empty", { OTEL_EXPORTER_OTLP_ENDPOINT: "" }],
    ["it is switched off", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_SDK_DISABLED: "true" }],
    ["traces are not wanted", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_TRACES_EXPORTER: "none" }],
  ] as const) {
    it(`records nothing where ${what}`, async () => expect(begun(await open({ ...environment }))).to.equal(""));
  }

  for (const environment of [
    { OTEL_EXPORTER_OTLP_ENDPOINT: "collector" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "file:///etc/passwd" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
  ]) {
    it(`is refused, with what to do: ${Object.values(environment).join(" ")}`, async () => {
      const error = await thrown(() => open(environment));
      expect(error.code).to.equal("invalid-argument");
      expect(error.remedy).not.to.equal("");
    });
  }

  it("sends spans with the service's name, the given headers and attributes", async () => {
    await using receiver = await OtlpReceiver.start();
    const { tracer, warnings } = await open({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/somewhere`,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20abc, bad%0d%0a=x, x-evil=a%0d%0ab",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=given,deployment=test",
      OTEL_SERVICE_NAME: "mine",
    });
    const outer = tracer.begin("outer", { attributes: { "drawbridge.session": "s-1" } });
    outer.begin("inner").end({ code: "target-unreachable", message: "nobody there" });
    outer.end();
    outer.end({ code: "internal", message: "a second end does not count" });
    await tracer.close();
    expect(receiver.paths).to.deep.equal(["/somewhere"]);
    expect(receiver.headers[0]).to.include({ authorization: "Bearer abc" }).and.not.to.have.property("x-evil");
    expect(receiver.spans.map(({ service, name, failed }) => [service, name, failed])).to.deep.equal([
      ["mine", "inner", true],
      ["mine", "outer", false],
    ]);
    expect(receiver.spans[0]?.attributes).to.include({ "drawbridge.code": "target-unreachable" });
    expect(warnings).to.deep.equal([]);
  });

  it("records no trace that somebody before has decided not to record", async () => {
    await using receiver = await OtlpReceiver.start();
    const { tracer } = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
    const span = tracer.begin("x", { parent: `00-${"1".repeat(32)}-${"2".repeat(16)}-00` });
    expect(span.traceparent).to.match(/^00-1{32}-.*-00$/);
    span.end();
    await tracer.close();
    expect(receiver.spans).to.deep.equal([]);
  });

  it("drops spans rather than let them pile up for a receiver that is slow, says so once, and closes all the same", async () => {
    const held: ServerResponse[] = [];
    await using receiver = await OtlpReceiver.start((response) => held.push(response));
    const { tracer, warnings } = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
    for (let index = 0; index < MANY; index += 1) tracer.begin("x").end();
    expect(warnings).to.have.length(1);
    await tracer.close();
    expect(receiver.spans.length).to.be.at.most(MOST_KEPT);
    expect(warnings).to.have.length(1);
  });

  it("survives a receiver that is gone, or refuses", async () => {
    const gone = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
    gone.tracer.begin("x").end();
    await gone.tracer.close();
    expect(gone.warnings).to.have.length(1);
    await using receiver = await OtlpReceiver.start((response) => response.writeHead(503).end());
    const refused = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
    refused.tracer.begin("x").end();
    await refused.tracer.close();
    await refused.tracer.close();
    expect(refused.warnings[0]).to.contain("503");
  });
});
