import { encodePreface, HandshakeToken } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { Socket } from "node:net";
import { cloudSettingsSchema } from "../../../packages/control/src/cloud/cloud-settings.ts";
import { dialLoopback, readBytes } from "../../support/dataplane-sockets.ts";
import { CloudBench, TodaysFakeClock } from "../control/cloud-bench.ts";

const RATE = 100_000;
const NAMES = ["bytesPerSecondPerSession", "bytesPerSecondPerTenant", "bytesPerSecondInAll"] as const;

async function leg(bench: CloudBench, token: Uint8Array): Promise<Socket> {
  const socket = await dialLoopback(bench.port);
  socket.write(encodePreface(HandshakeToken.fromBytes(token)));
  return socket;
}

/** Opens a session with one link and sends a lot through it. Returns how much comes out while the clock stands still. */
async function burstOf(bench: CloudBench): Promise<number> {
  const tenant = await bench.tenant(await bench.enrolTenant("acme"));
  const { operator } = await bench.session(tenant, await bench.enrolOperator("olga"));
  operator.requestLink();
  const { token } = await operator.next("linkTicket");
  const remoteLeg = await leg(bench, token);
  const tenantLeg = await leg(bench, (await tenant.next("linkOffer")).token);
  // A leg that is held has bytes read ahead, which are delivered at once and only then counted.
  tenantLeg.write("x");
  await readBytes(remoteLeg, 1);
  let received = 0;
  tenantLeg.on("data", (chunk: Buffer) => (received += chunk.length));
  remoteLeg.write(Buffer.alloc(1_000_000));
  for (let before = -1; before !== received || received === 0;) {
    before = received;
    for (let turn = 0; turn < 2_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const socket of [remoteLeg, tenantLeg]) socket.destroy();
  operator.cut();
  tenant.cut();
  return received;
}

describe("PEERS security 15: each cap of settings.json", () => {
  it("has a test here", () => {
    const rates = Object.fromEntries(NAMES.map((name) => [name, RATE]));
    const parsed = cloudSettingsSchema.parse({ publicAddress: "a.example:1", listen: "0.0.0.0:1", rates });
    expect(parsed.rates).to.deep.equal(rates);
    expect(NAMES).to.have.length(Object.keys(cloudSettingsSchema.shape.rates.unwrap().shape).length);
  });

  for (const name of NAMES) {
    it(`is enforced over the wire: ${name}`, async () => {
      await using bench = await CloudBench.start(new TodaysFakeClock(), { rates: { [name]: RATE } });
      expect(await burstOf(bench)).to.be.within(RATE / 4, RATE / 2);
    });
  }

  it("is none unless it is set", async () => {
    await using bench = await CloudBench.start(new TodaysFakeClock());
    expect(await burstOf(bench)).to.equal(1_000_000);
  });

  it("is refused where it leaves nothing to work with", () => {
    const settings = { publicAddress: "a.example:1", listen: "0.0.0.0:1", rates: { bytesPerSecondInAll: 0 } };
    expect(cloudSettingsSchema.safeParse(settings).success).to.equal(false);
  });
});
