import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { type EnrolledIdentity, formatFingerprint } from "@drawbridge/control/identity";
import { acceptTenantLeg, DrawbridgeError, encryptRemoteLeg, type EndToEndTlsOptions } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";
import { parsePolicy } from "../../../packages/control/src/tenant/policy/parse-policy.ts";
import { TenantAccess } from "../../../packages/control/src/tenant/tenant-access.ts";
import { targetServerName } from "../../../packages/control/src/wire/target-server-name.ts";
import { readBytes } from "../../support/dataplane-sockets.ts";
import { until } from "../../support/dataplane-rendezvous.ts";
import { type BenchRemote, type BenchTenant, HostileBench } from "./hostile-bench.ts";
import { type Direction, LegWire } from "./leg-wire.ts";
import { outcomeOf } from "./outcome.ts";

const DIRECTIONS: readonly Direction[] = ["toTenant", "toRemote"];

describe("a cloud redirector in hostile hands", () => {
  let bench: HostileBench;
  let acme: EnrolledIdentity;
  let alice: EnrolledIdentity;
  let tenant: BenchTenant;
  let remote: BenchRemote;

  before(async () => {
    bench = await HostileBench.start();
    acme = await bench.cloud.enrolTenant("acme");
    alice = await bench.cloud.enrolOperator("alice");
    tenant = await bench.tenant(acme);
  });

  // A session each, because the broker counts its links, and to it none of them has ever come about.
  beforeEach(async () => void (remote = await bench.remote(alice)));
  afterEach(() => remote.redirector.stop({ code: "closed", message: "the test is over" }));

  after(() => bench.stop());

  /** A link whose legs are wired by the man in the middle. */
  async function link(): Promise<{ client: Socket; service: Socket; wire: LegWire }> {
    const client = await bench.client(remote);
    const [remoteLeg, tenantLeg] = await Promise.all([bench.remoteFront.nextLeg(), bench.tenantFront.nextLeg()]);
    const wire = new LegWire(remoteLeg.socket, tenantLeg.socket);
    const service = await tenant.target.next();
    client.write("up");
    service.write("down");
    await Promise.all([readBytes(service, 2), readBytes(client, 4)]);
    return { client, service, wire };
  }

  /** Who sends in a direction, and who must not be deceived. */
  async function ends(direction: Direction) {
    const { client, service, wire } = await link();
    return direction === "toTenant"
      ? { wire, sender: client, receiver: service }
      : { wire, sender: service, receiver: client };
  }

  it("can read nothing: a known text is in nothing that it sees, in neither direction", async () => {
    const { client, service, wire } = await link();
    const [up, down] = ["known text of the client ", "known text of the service "];
    client.end(up.repeat(2_000));
    service.end(down.repeat(2_000));
    const [atService, atClient] = await Promise.all([outcomeOf(service), outcomeOf(client)]);
    expect(atService).to.deep.equal({ received: up.repeat(2_000), end: "ended in order" });
    expect(atClient).to.deep.equal({ received: down.repeat(2_000), end: "ended in order" });
    const seen = Buffer.concat(wire.seen);
    expect(seen.length).to.be.above(100_000);
    for (const text of [up, down, "known text"]) expect(seen.includes(text)).to.equal(false);
  });

  for (const direction of DIRECTIONS) {
    const manipulations = {
      "a byte changed": (record: Buffer) => [change(record, record.length - 1)],
      "a record inserted": (record: Buffer) => [forged(record), record],
      "a record removed": () => [],
      "a record cut in half": (record: Buffer) => [record.subarray(0, record.length >> 1)],
    };
    for (const [what, manipulation] of Object.entries(manipulations)) {
      it(`cannot hide ${what} (${direction}): no wrong byte arrives, and the link breaks`, async () => {
        const { wire, sender, receiver } = await ends(direction);
        let isFirst = true;
        wire.manipulate(direction, (record) => {
          if (!isFirst) return [record];
          isFirst = false;
          return manipulation(record);
        });
        const outcomes = Promise.all([outcomeOf(receiver), outcomeOf(sender)]);
        sender.write("first");
        await until(() => !isFirst);
        sender.write("second");
        expect(await outcomes).to.deep.equal(Array(2).fill({ received: "", end: "ECONNRESET" }));
      });
    }

    it(`cannot replay a record (${direction}): it arrives once, and the link breaks`, async () => {
      const { wire, sender, receiver } = await ends(direction);
      wire.manipulate(direction, (record) => [record, record]);
      const outcomes = Promise.all([outcomeOf(receiver), outcomeOf(sender)]);
      sender.write("once");
      const [atReceiver, atSender] = await outcomes;
      expect(atReceiver).to.deep.equal({ received: "once", end: "ECONNRESET" });
      expect(atSender.end).to.equal("ECONNRESET");
    });

    it(`cannot pass a part for the whole (${direction}): a TCP stream that ends without close_notify is a cut`, async () => {
      const { wire, sender, receiver } = await ends(direction);
      const [remoteEnds, tenantEnds] = [remote.ends.length, tenant.ends.length];
      const outcomes = Promise.all([outcomeOf(receiver), outcomeOf(sender)]);
      let records = 0;
      wire.manipulate(direction, (record) => ((records += 1), [record]));
      sender.write("a part");
      await until(() => records > 0);
      wire.cut(direction);
      const [atReceiver, atSender] = await outcomes;
      expect(atReceiver).to.deep.equal({ received: "a part", end: "ECONNRESET" });
      expect(atSender.end).to.equal("ECONNRESET");
      await until(() => remote.ends.length > remoteEnds && tenant.ends.length > tenantEnds);
      const end = direction === "toTenant" ? tenant.ends.at(-1) : remote.ends.at(-1);
      expect(end?.reason).to.include({ code: "closed" });
      expect(end?.reason.message).to.match(/^the connection to the (remote|tenant) redirector was cut off/);
    });

    it(`cannot change any byte of a record, its header included (${direction})`, async () => {
      const where = fc.record({ position: fc.nat(), bit: fc.integer({ min: 0, max: 7 }) });
      const property = fc.asyncProperty(where, async ({ position, bit }) => {
        const { wire, sender, receiver } = await ends(direction);
        let isFirst = true;
        wire.manipulate(direction, (record) => {
          if (!isFirst) return [record];
          isFirst = false;
          return [change(record, position % record.length, 1 << bit)];
        });
        const outcome = outcomeOf(receiver);
        sender.end("the truth");
        expect((await outcome).end).to.not.equal("ended in order");
        expect((await outcome).received).to.equal("");
      });
      await fc.assert(property, { numRuns: 25, interruptAfterTimeLimit: 8_000 });
    });
  }

  it("PEERS security 5: gets no data by joining a leg of one session with a leg of another: other tenant, other operator", async () => {
    const bolt = await bench.tenant(await bench.cloud.enrolTenant("bolt"));
    const bob = await bench.remote(await bench.cloud.enrolOperator("bob"), { tenant: "bolt" });
    const caught = async (session: BenchRemote, { target }: BenchTenant) => {
      const client = await bench.client(session);
      const [remoteLeg, tenantLeg] = await Promise.all([bench.remoteFront.nextLeg(), bench.tenantFront.nextLeg()]);
      return { client, service: await target.next(), remoteLeg: remoteLeg.socket, tenantLeg: tenantLeg.socket };
    };
    const [first, second] = [await caught(remote, tenant), await caught(bob, bolt)];
    const sockets = [first.client, first.service, second.client, second.service];
    const outcomes = Promise.all(sockets.map(outcomeOf));
    for (const socket of sockets) socket.write("not for everybody");
    new LegWire(first.remoteLeg, second.tenantLeg);
    new LegWire(second.remoteLeg, first.tenantLeg);
    expect((await outcomes).map(({ received }) => received)).to.deep.equal(["", "", "", ""]);
    for (const { ends } of [remote, bob]) expect(ends.at(-1)?.reason.code).to.equal("certificate-invalid");
  });

  describe("with certificates of its own making", () => {
    let forgedAcme: EnrolledIdentity;
    let forgedAlice: EnrolledIdentity;

    before(async () => {
      [forgedAcme, forgedAlice] = await Promise.all([bench.forge(acme), bench.forge(alice)]);
    });

    const trusting = (identity: EnrolledIdentity): EndToEndTlsOptions => ({
      key: identity.privateKey,
      certificate: identity.certificate,
      certificateAuthorities: identity.certificateAuthorities,
      verifyPeer: () => {},
      serverName: targetServerName(remote.sessionId, "rdp"),
    });

    async function caughtLink() {
      const client = await bench.client(remote);
      const [remoteLeg, tenantLeg] = await Promise.all([bench.remoteFront.nextLeg(), bench.tenantFront.nextLeg()]);
      const service = await tenant.target.next();
      return { client, service, remoteLeg: remoteLeg.socket, tenantLeg: tenantLeg.socket };
    }

    it("cannot stand in for a known tenant on a leg: another key is refused before a byte is sent", async () => {
      const { client, service, remoteLeg, tenantLeg } = await caughtLink();
      client.write("for acme only");
      const outcome = outcomeOf(client);
      const received: Buffer[] = [];
      const accepting = acceptTenantLeg(remoteLeg, trusting(forgedAcme)).then(
        (stream) => void stream.on("data", (chunk: Buffer) => received.push(chunk)),
        (error: unknown) => expect(error).to.be.instanceOf(DrawbridgeError),
      );
      expect((await outcome).received).to.equal("");
      await accepting;
      expect(Buffer.concat(received)).to.have.length(0);
      expect(remote.ends.at(-1)?.reason).to.include({ code: "certificate-invalid" });
      tenantLeg.destroy();
      service.destroy();
    });

    it("cannot stand in for the operator on a leg: another key is refused before a byte is taken", async () => {
      const { service, tenantLeg } = await caughtLink();
      const outcome = outcomeOf(service);
      const before = tenant.ends.length;
      const stream = await encryptRemoteLeg(tenantLeg, trusting(forgedAlice));
      stream.write("from whom?");
      expect((await outcome).received).to.equal("");
      await until(() => tenant.ends.length > before);
      expect(tenant.ends.at(-1)?.reason).to.include({ code: "certificate-invalid" });
      stream.destroy();
    });
  });

  describe("that gives a name to another key", () => {
    const refusalOf = (session: Promise<BenchRemote>): Promise<unknown> =>
      session.then(
        () => "opened",
        (error: unknown) => error,
      );

    it("is found out by the operator, who knows the tenant: the session is refused and says how to check", async () => {
      const carol = await bench.cloud.enrolTenant("carol");
      await bench.tenant(carol);
      await (
        await bench.remote(alice, { tenant: "carol" })
      ).redirector.stop({ code: "closed", message: "the test is over" });
      const impostor = await bench.cloud.enrolTenant("carol");
      await bench.tenant(impostor);
      const refusal = (await refusalOf(bench.remote(alice, { tenant: "carol" }))) as DrawbridgeError;
      expect(refusal).to.include({ code: "certificate-invalid" });
      expect(refusal.message).to.include("the key of tenant carol has changed");
      expect(refusal.message).to.include(shown(carol)).and.to.include(shown(impostor));
      expect(refusal.remedy).to.include("drawbridge tenant fingerprint");
    });

    it("is found out by a tenant that pins the operator's key", async () => {
      const dora = await bench.cloud.enrolOperator("dora");
      const pins = `operator_keys:\n  dora: ["${shown(dora)}"]\n`;
      const policy = parsePolicy(`${pins}rules:\n  - decision: allow\n`, "policy.yaml", ["rdp"]);
      await bench.tenant(await bench.cloud.enrolTenant("pinned"), new TenantAccess(policy, undefined, () => undefined));
      await (
        await bench.remote(dora, { tenant: "pinned" })
      ).redirector.stop({ code: "closed", message: "the test is over" });
      const impostor = await bench.cloud.enrolOperator("dora");
      const refusal = await refusalOf(bench.remote(impostor, { tenant: "pinned" }));
      expect(refusal).to.include({ code: "consent-refused" });
      expect((refusal as DrawbridgeError).message).to.equal("the tenant knows another key of dora");
    });

    it("is believed by a tenant that pins no operator's key: the limit that docs/SECURITY.md names", async () => {
      await bench.cloud.enrolOperator("emil");
      const impostor = await bench.remote(await bench.cloud.enrolOperator("emil"));
      expect(impostor.port).to.be.above(0);
    });
  });
});

function shown({ keyFingerprint }: EnrolledIdentity): string {
  return formatFingerprint(Buffer.from(keyFingerprint, "hex"));
}

/** The same record with a byte changed. */
function change(record: Buffer, position: number, mask = 1): Buffer {
  const changed = Buffer.from(record);
  changed[position] = (changed[position] ?? 0) ^ mask;
  return changed;
}

/** A record of the same form and length with a content of the forger's. */
function forged(record: Buffer): Buffer {
  return Buffer.concat([record.subarray(0, 5), randomBytes(record.length - 5)]);
}
