import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import type { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { PlainPermit, SessionOfferDetails, SessionOpening } from "../../../packages/control/src/cloud/ports.ts";
import { parsePolicy } from "../../../packages/control/src/tenant/policy/parse-policy.ts";
import { TenantAccess } from "../../../packages/control/src/tenant/tenant-access.ts";
import { signPlainPermit } from "../../../packages/control/src/wire/plain-permit.ts";
import { readBytes } from "../../support/dataplane-sockets.ts";
import { until } from "../../support/dataplane-rendezvous.ts";
import { type BenchRemote, type BenchRequest, type BenchTenant, HostileBench } from "./hostile-bench.ts";
import { HostileControl } from "./hostile-control.ts";
import { LegWire } from "./leg-wire.ts";
import { outcomeOf } from "./outcome.ts";

const OVER = { code: "closed", message: "the test is over" } as const;
const TARGETS = ["rdp", "vault"];
const access = (text: string): TenantAccess =>
  new TenantAccess(parsePolicy(text, "policy.yaml", TARGETS), undefined, () => undefined);

describe("a cloud redirector in hostile hands that lies on the control plane", () => {
  let bench: HostileBench;
  let control: HostileControl;
  let alice: EnrolledIdentity;
  /** Its policy says nothing of plain links. */
  let acme: BenchTenant;
  /** Its policy permits plain links to `rdp`. */
  let lenient: BenchTenant;
  const remotes: BenchRemote[] = [];

  before(async () => {
    bench = await HostileBench.start();
    control = new HostileControl();
    alice = await bench.cloud.enrolOperator("alice");
    acme = await bench.tenant(await bench.cloud.enrolTenant("acme"), access("rules:\n  - decision: allow\n"));
    const permits = "rules:\n  - decision: allow\n    targets: rdp\n    plain_links: allow\n  - decision: allow\n";
    lenient = await bench.tenant(await bench.cloud.enrolTenant("lenient"), access(permits));
  });

  afterEach(async () => {
    control.relent();
    for (const remote of remotes.splice(0)) await remote.redirector.stop(OVER);
  });

  after(async () => {
    control[Symbol.dispose]();
    await bench.stop();
  });

  async function open(request: BenchRequest = {}): Promise<BenchRemote> {
    const remote = await bench.remote(alice, request);
    remotes.push(remote);
    return remote;
  }

  const refusalOf = (request: BenchRequest): Promise<DrawbridgeError> =>
    open(request).then(
      () => expect.fail("the session was opened"),
      (error: unknown) => error as DrawbridgeError,
    );

  /** A client's link, its two legs in the hands of the man in the middle. */
  async function caught(remote: BenchRemote): Promise<{ client: Socket; remoteLeg: Socket; tenantLeg: Socket }> {
    const client = await bench.client(remote);
    const [remoteLeg, tenantLeg] = await Promise.all([bench.remoteFront.nextLeg(), bench.tenantFront.nextLeg()]);
    return { client, remoteLeg: remoteLeg.socket, tenantLeg: tenantLeg.socket };
  }

  describe("about the target", () => {
    async function expectNothingThrough(sockets: readonly Socket[]): Promise<void> {
      const outcomes = Promise.all(sockets.map(outcomeOf));
      const endsBefore = acme.ends.length;
      for (const socket of sockets) socket.write("not for everybody");
      expect((await outcomes).map(({ received }) => received)).to.deep.equal(sockets.map(() => ""));
      await until(() => acme.ends.length > endsBefore);
      const { reason } = acme.ends.at(-1)!;
      expect(reason).to.include({ code: "certificate-invalid" });
      expect(reason.message).to.include("was led to another session or target than it asked for");
    }

    for (const [what, otherTarget, service] of [
      ["target", "vault", () => acme.vault],
      ["session with the same target", "rdp", () => acme.target],
    ] as const) {
      it(`cannot join the leg of one session to that of another ${what}, of the same operator and tenant`, async () => {
        const first = await caught(await open({ target: "rdp" }));
        const firstService = await acme.target.next();
        const second = await caught(await open({ target: otherTarget }));
        const secondService = await service().next();
        new LegWire(first.remoteLeg, second.tenantLeg);
        new LegWire(second.remoteLeg, first.tenantLeg);
        await expectNothingThrough([first.client, firstService, second.client, secondService]);
      });
    }

    it("cannot offer the tenant another target than the operator named", async () => {
      control.onOffer = (offer) => ({ ...offer, target: "vault" });
      const link = await caught(await open({ target: "rdp" }));
      const service = await acme.vault.next();
      new LegWire(link.remoteLeg, link.tenantLeg);
      await expectNothingThrough([link.client, service]);
    });
  });

  describe("about plain links", () => {
    /** A link that carries both ways, and all that was seen of it in the middle. */
    async function carries(remote: BenchRemote, tenant: BenchTenant): Promise<Buffer> {
      const { client, remoteLeg, tenantLeg } = await caught(remote);
      const wire = new LegWire(remoteLeg, tenantLeg);
      const service = await tenant.target.next();
      client.write("known text up");
      service.write("known text down");
      expect((await readBytes(service, 13)).toString()).to.equal("known text up");
      expect((await readBytes(client, 15)).toString()).to.equal("known text down");
      client.destroy();
      service.destroy();
      return Buffer.concat(wire.seen);
    }

    /** Puts a permit of the forger's making in the place of the tenant's, for the session's own nonce. */
    function forgePermits(key: string, change: (permit: PlainPermit) => PlainPermit = (permit) => permit): void {
      let nonce: Uint8Array = randomBytes(32);
      control.onOffer = (offer) => {
        if (offer.plainNonce.length > 0) nonce = offer.plainNonce;
        return offer;
      };
      const operatorKeyFingerprint = alice.keyFingerprint;
      control.onOpened = (opening) => ({
        ...opening,
        plainPermit: change(signPlainPermit(key, { nonce, operatorKeyFingerprint, target: "rdp" })),
      });
    }

    it("cannot turn encryption off by asking in the operator's place, where the policy does not permit it", async () => {
      const permits: unknown[] = [];
      control.onOffer = (offer) => ({ ...offer, plainNonce: randomBytes(32) });
      control.onOpened = (opening) => {
        permits.push(opening.plainPermit);
        return opening;
      };
      const remote = await open();
      expect(remote.plain).to.equal(false);
      expect(permits).to.deep.equal([undefined]);
      expect((await carries(remote, acme)).includes("known text")).to.equal(false);
    });

    it("cannot turn encryption off by a nonce that is none, or for a key that is none", async () => {
      const permits: unknown[] = [];
      control.onOpened = (opening) => {
        permits.push(opening.plainPermit);
        return opening;
      };
      for (const length of [1, 31]) {
        control.onOffer = (offer) => ({ ...offer, plainNonce: randomBytes(length) });
        expect((await open({ tenant: "lenient" })).plain).to.equal(false);
      }
      const noKey = (offer: SessionOfferDetails) => ({ ...offer.operator, keyFingerprint: "ab" });
      control.onOffer = (offer) => ({ ...offer, plainNonce: randomBytes(32), operator: noKey(offer) });
      expect((await open({ tenant: "lenient" })).plain).to.equal(false);
      expect(permits).to.deep.equal([undefined, undefined, undefined]);
    });

    it("cannot turn encryption off by leaving the operator's question or the tenant's permit out", async () => {
      control.onOffer = (offer) => ({ ...offer, plainNonce: new Uint8Array() });
      const unasked = await open({ tenant: "lenient", plain: true });
      expect(unasked.plain).to.equal(false);
      expect((await carries(unasked, lenient)).includes("known text")).to.equal(false);

      control.relent();
      control.onOpened = (opening) => ({ ...opening, plainPermit: undefined });
      const stripped = await open({ tenant: "lenient", plain: true });
      expect(stripped.plain).to.equal(false);
      const { client, remoteLeg, tenantLeg } = await caught(stripped);
      const wire = new LegWire(remoteLeg, tenantLeg);
      const service = await lenient.target.next();
      client.write("known text");
      const [atService, atClient] = [outcomeOf(service), outcomeOf(client)];
      await until(() => wire.seen.length > 0);
      service.end("no TLS");
      expect((await atClient).received).to.equal("");
      expect((await atService).received.includes("known text")).to.equal(false);
      expect(Buffer.concat(wire.seen).includes("known text")).to.equal(false);
    });

    it("cannot make a permit: by another key it is refused, asked for or not", async () => {
      const genuine = await bench.cloud.enrolTenant("genuine");
      await bench.tenant(genuine, access("rules:\n  - decision: allow\n"));
      forgePermits((await bench.forge(genuine)).privateKey);
      for (const plain of [true, false]) {
        expect(await refusalOf({ tenant: "genuine", plain })).to.include({ code: "certificate-invalid" });
      }
    });

    it("cannot make a permit with the tenant's public key, which it knows, and a signature of its own", async () => {
      const seen: SessionOpening[] = [];
      control.onOpened = (opening) => (seen.push(opening), opening);
      await open({ tenant: "lenient", plain: true });
      const { publicKey } = seen[0]!.plainPermit!;
      forgePermits((await bench.forge(alice)).privateKey, (permit) => ({ ...permit, publicKey }));
      const refusal = await refusalOf({ tenant: "lenient", plain: true });
      expect(refusal).to.include({ code: "certificate-invalid" });
      expect(refusal.message).to.include("the permit for plain links is not the tenant's");
    });

    it("cannot use a permit again: one of another session is refused", async () => {
      const seen: SessionOpening[] = [];
      control.onOpened = (opening) => (seen.push(opening), opening);
      expect((await open({ tenant: "lenient", plain: true })).plain).to.equal(true);
      const earlier = seen[0]!.plainPermit;
      control.onOpened = (opening) => ({ ...opening, plainPermit: earlier });
      expect(await refusalOf({ tenant: "lenient", plain: true })).to.include({ code: "certificate-invalid" });
      expect(await refusalOf({ tenant: "lenient", target: "vault", plain: true })).to.include({
        code: "certificate-invalid",
      });
    });

    it("cannot use a permit for which it asked itself: the operator did not, and refuses it", async () => {
      control.onOffer = (offer) => ({ ...offer, plainNonce: randomBytes(32) });
      const refusal = await refusalOf({ tenant: "lenient" });
      expect(refusal).to.include({ code: "certificate-invalid" });
      expect(refusal.message).to.include("nobody asked for it");
    });

    it("can open a target by itself where the policy permits plain links: the limit that docs/SECURITY.md names", async () => {
      control.onOffer = (offer) => ({ ...offer, plainNonce: randomBytes(32) });
      control.onOpened = (opening) => ({ ...opening, plainPermit: undefined });
      const { client, tenantLeg } = await caught(await open({ tenant: "lenient" }));
      const service = await lenient.target.next();
      tenantLeg.write("from the provider's server");
      expect((await readBytes(service, 26)).toString()).to.equal("from the provider's server");
      client.destroy();
      service.destroy();
    });

    it("can read and change a plain link, and cut it off unseen: the limits that docs/SECURITY.md names", async () => {
      const remote = await open({ tenant: "lenient", plain: true });
      expect(remote.plain).to.equal(true);
      const { client, remoteLeg, tenantLeg } = await caught(remote);
      const service = await lenient.target.next();
      client.write("the truth");
      expect((await readBytes(remoteLeg, 9)).toString()).to.equal("the truth");
      tenantLeg.end("a lie");
      client.end();
      expect(await outcomeOf(service)).to.deep.include({ received: "a lie", end: "ended in order" });
      remoteLeg.end();
      await outcomeOf(client);
    });
  });
});
