import { createServer as createHttpServer } from "node:http";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { startCli } from "../../support/cli.ts";
import { TargetServer } from "../cli/target-server.ts";
import { CloudBench, TodaysFakeClock } from "../control/cloud-bench.ts";
import { runDoctor, writeHome } from "./doctor-run.ts";

const HOUR_MS = 3_600_000;
/** Never fires: mocha's own timeout ends a test that hangs. */
const { signal } = new AbortController();

describe("drawbridge doctor, on the way to the provider", function () {
  this.timeout(60_000);
  let bench: CloudBench;
  let clock: TodaysFakeClock;
  let folder: TemporaryFolder;
  let olga: EnrolledIdentity;

  beforeEach(async () => {
    clock = new TodaysFakeClock();
    folder = await TemporaryFolder.create("doctor");
    bench = await CloudBench.start(clock);
    olga = await bench.enrolOperator("olga");
  });
  afterEach(async () => {
    await bench[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** What the doctor says of the operator's way to these addresses. */
  async function examined(addresses: string[], args: string[] = []) {
    await writeHome(folder.path, olga, addresses);
    return runDoctor(folder.path, args);
  }

  it("finds nothing wrong where nothing is, in the order of the way", async () => {
    const { code, outcomes, step } = await examined([bench.address]);
    expect(outcomes.slice(0, 11)).to.deep.equal([
      "home ok",
      "certificate ok",
      "network ok",
      "gateways ok",
      "dns skipped",
      "proxy skipped",
      "tcp ok",
      "tls ok",
      "grpc ok",
      "clock ok",
      "leg ok",
    ]);
    expect(code).to.equal(0);
    expect(step("leg")).to.deep.include({ transport: "raw" });
    expect(step("leg")["roundTripMs"]).to.be.a("number").and.above(0);
    expect(step("clock")["clockAheadMs"]).to.be.within(-5_000, 60_000);
  });

  it("names a DNS name that does not exist", async () => {
    // Too long for a name: so no name server is asked, here or on any other machine.
    const { code, outcomes, summary } = await examined([`${"x".repeat(64)}.example:8443`]);
    expect(code).to.equal(4);
    expect(summary["first"]).to.deep.include({ step: "dns", code: "dial-failed" });
    expect(outcomes).to.include.members(["dns failed", "tcp skipped", "tls skipped", "grpc skipped", "leg skipped"]);
  });

  it("names an address at which nothing listens", async () => {
    const { code, summary } = await examined([`127.0.0.1:${await freePort()}`]);
    expect(code).to.equal(4);
    expect(summary["first"]).to.deep.include({ step: "tcp", code: "dial-failed" });
    expect(summary["first"])
      .to.have.property("text")
      .that.matches(/refused the connection/);
  });

  it("names the port of another service", async () => {
    const http = createHttpServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
    await once(http, "listening");
    const { code, summary } = await examined([`127.0.0.1:${(http.address() as AddressInfo).port}`]);
    http.close();
    expect(code).to.equal(4);
    expect(summary["first"]).to.deep.include({ step: "tls", code: "unavailable" });
    expect(summary["first"])
      .to.have.property("text")
      .that.matches(/does not speak TLS/);
    expect(summary["first"])
      .to.have.property("remedy")
      .that.matches(/another service/);
  });

  it("names a server that is not the provider's, and whose it is", async () => {
    await using other = await CloudBench.start();
    const { code, summary } = await examined([other.address]);
    expect(code).to.equal(3);
    expect(summary["first"]).to.deep.include({ step: "tls", code: "certificate-invalid" });
    expect(summary["first"])
      .to.have.property("text")
      .that.matches(/not the provider's.*comes from "example"/);
  });

  for (const [which, offsetMs] of [
    ["behind", HOUR_MS],
    ["ahead of", -HOUR_MS],
  ] as const) {
    it(`says plainly that this machine's clock is an hour ${which} the provider's`, async () => {
      clock.advance(offsetMs);
      const { code, step } = await examined([bench.address]);
      expect(code).to.equal(0);
      expect(step("clock")["outcome"]).to.equal("warning");
      expect(step("clock")["text"]).to.match(new RegExp(`is (1h|59m\\d+s) ${which} the provider's`));
    });
  }

  it("names an access that was revoked", async () => {
    const admin = await bench.enrolOperator("ada", "admin");
    await bench.admin(admin).revoke("operator", "olga", signal);
    clock.advance(1_000);
    const { code, summary } = await examined([bench.address]);
    expect(code).to.equal(3);
    expect(summary["first"]).to.deep.include({ step: "grpc", code: "revoked" });
  });

  it("names a gateway that passes on TLS only, and sees that legs get through all the same", async () => {
    await using gate = await TargetServer.start((socket) => {
      socket.once("data", (first: Buffer) => {
        if (first[0] !== 0x16) return void socket.destroy();
        const onward = connect({ host: "127.0.0.1", port: bench.port });
        onward.write(first);
        socket.pipe(onward).pipe(socket);
        onward.on("error", () => socket.destroy());
      });
    });
    const { code, step } = await examined([gate.named("x").slice(2)]);
    expect(code).to.equal(0);
    expect(step("leg")).to.deep.include({ outcome: "warning", transport: "tls" });
    expect(step("leg")["text"]).to.match(/only legs inside of TLS get through/);
    const raw = await examined([gate.named("x").slice(2)], ["--leg-transport", "raw"]);
    expect(raw.code).to.equal(4);
    expect(raw.summary["first"]).to.deep.include({ step: "leg", code: "unavailable" });
  });

  it("looks at every gateway, and names the one that is down", async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const { code, step, summary } = await examined([dead, bench.address]);
    expect(code).to.equal(4);
    expect(summary["first"]).to.deep.include({ step: "tcp", subject: dead });
    expect(step("leg", dead)["outcome"]).to.equal("skipped");
    expect(step("leg", bench.address)["outcome"]).to.equal("ok");
    expect(step("tenants")["outcome"]).to.equal("warning");
  });

  it("gives a step its time, and ends cleanly on Ctrl-C in the middle of one", async () => {
    await using silent = await TargetServer.start(() => {});
    await writeHome(folder.path, olga, [silent.named("x").slice(2)]);
    await using doctor = await startCli(["doctor", "--json"], { home: folder.path });
    await doctor.waitForEvent("step", { where: (event) => event["step"] === "tcp" });
    doctor.child.signal("SIGINT");
    const { code, signal: killed, events } = await doctor.ended();
    expect({ code, killed }).to.deep.equal({ code: 0, killed: null });
    expect(events.filter(({ event }) => event !== "step")).to.deep.equal([]);
  });
});
