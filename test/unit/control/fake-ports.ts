import { HandshakeToken, type CloseReason, type LinkSetUp } from "@drawbridge/dataplane";
import type {
  LegTicket,
  LinkPlace,
  LinkPlaces,
  RemotePort,
  SessionBytes,
  SessionOfferDetails,
  SessionOpening,
  SessionOperator,
  TenantPort,
} from "../../../packages/control/src/cloud/ports.ts";
import type { TenantFacts } from "../../../packages/control/src/cloud/tenant-registry.ts";

/** A tenant's end that only remembers what it was told. */
export class FakeTenantPort implements TenantPort {
  readonly offers: SessionOfferDetails[] = [];
  readonly closedSessions: string[] = [];
  readonly links: { sessionId: string; ticket: LegTicket }[] = [];
  readonly goodbyes: CloseReason[] = [];
  readonly drains: number[] = [];
  readonly moves: { withinMs: number; moveAfterMs: number }[] = [];
  readonly gateway: string | undefined;

  constructor(gateway?: string) {
    this.gateway = gateway;
  }

  offerSession(offer: SessionOfferDetails): void {
    this.offers.push(offer);
  }
  closeSession(sessionId: string): void {
    this.closedSessions.push(sessionId);
  }
  offerLink(sessionId: string, ticket: LegTicket): void {
    this.links.push({ sessionId, ticket });
  }
  drain(withinMs: number): void {
    this.drains.push(withinMs);
  }
  move(withinMs: number, moveAfterMs: number): void {
    this.moves.push({ withinMs, moveAfterMs });
  }

  goodbye(reason: CloseReason): void {
    this.goodbyes.push(reason);
  }
}

/** A remote redirector's end that only remembers what it was told. */
export class FakeRemotePort implements RemotePort {
  readonly pendings: number[] = [];
  readonly openings: string[] = [];
  readonly permits: SessionOpening["plainPermit"][] = [];
  readonly tickets: { requestId: number; ticket: LegTicket }[] = [];
  readonly refusals: { requestId: number; linkId: string; reason: CloseReason }[] = [];
  readonly linkEnds: { linkId: string; reason: CloseReason; bytes: SessionBytes }[] = [];
  readonly ends: { reason: CloseReason; bytes: SessionBytes }[] = [];
  readonly endings: { withinMs: number; reason: CloseReason }[] = [];

  pending(_sessionId: string, withinMs: number): void {
    this.pendings.push(withinMs);
  }
  opened({ sessionId, plainPermit }: SessionOpening): void {
    this.openings.push(sessionId);
    this.permits.push(plainPermit);
  }
  linkTicket(requestId: number, ticket: LegTicket): void {
    this.tickets.push({ requestId, ticket });
  }
  linkRefused(requestId: number, linkId: string, reason: CloseReason): void {
    this.refusals.push({ requestId, linkId, reason });
  }
  linkEnded(linkId: string, reason: CloseReason, { toTenant, toRemote }: SessionBytes): void {
    this.linkEnds.push({ linkId, reason, bytes: { toTenant, toRemote } });
  }
  ending(withinMs: number, reason: CloseReason): void {
    this.endings.push({ withinMs, reason });
  }
  ended(reason: CloseReason, { toTenant, toRemote }: SessionBytes): void {
    this.ends.push({ reason, bytes: { toTenant, toRemote } });
  }
}

/** A link's place whose bytes a test adds. */
export class FakeLinkPlace implements LinkPlace {
  readonly remoteToken = HandshakeToken.generate();
  readonly tenantToken = HandshakeToken.generate();
  readonly expiresInMs = 30_000;
  readonly bytes: SessionBytes = { toTenant: 0, toRemote: 0 };
  readonly linkId: string;
  readonly tenant: string;
  closeReason: CloseReason | undefined;
  readonly #closed = Promise.withResolvers<{ reason: CloseReason } & SessionBytes>();
  readonly #paired = Promise.withResolvers<{ outcome: "paired" | "ended" }>();

  constructor(linkId: string, tenant: string) {
    this.linkId = linkId;
    this.tenant = tenant;
  }

  get closed(): Promise<{ reason: CloseReason } & SessionBytes> {
    return this.#closed.promise;
  }
  get paired(): Promise<{ outcome: "paired" | "ended" }> {
    return this.#paired.promise;
  }
  counts(): SessionBytes {
    return { ...this.bytes };
  }
  setUp(): LinkSetUp {
    return { firstLegMs: 1, pairedMs: 2, firstByteMs: undefined };
  }
  /** Both legs have come. */
  pair(): void {
    this.#paired.resolve({ outcome: "paired" });
  }
  carry(toTenant: number, toRemote: number): void {
    if (this.closeReason !== undefined) return;
    this.bytes.toTenant += toTenant;
    this.bytes.toRemote += toRemote;
  }
  close(reason: CloseReason): void {
    if (this.closeReason !== undefined) return;
    this.closeReason = reason;
    this.#closed.resolve({ reason, ...this.bytes });
  }
}

/** A rendezvous without sockets. */
export class FakeLinkPlaces implements LinkPlaces {
  readonly all: FakeLinkPlace[] = [];
  /** Thrown by the next `expect`. */
  failure: Error | undefined;

  expect({ linkId, tenant }: { linkId: string; tenant: string }): FakeLinkPlace {
    if (this.failure !== undefined) throw this.failure;
    const place = new FakeLinkPlace(linkId, tenant);
    this.all.push(place);
    return place;
  }
  get open(): FakeLinkPlace[] {
    return this.all.filter(({ closeReason }) => closeReason === undefined);
  }
}

/** What a tenant redirector with the target `rdp` says of itself. */
export const facts = (software = "test/1"): TenantFacts => ({
  software,
  hostName: "pc",
  platform: "linux x64",
  sourceAddress: "192.0.2.1:1",
  targets: [{ name: "rdp", address: "127.0.0.1:3389" }],
});

/** An operator with a role. */
export const operator = (name = "olga"): SessionOperator => ({
  name,
  role: "operator",
  keyFingerprint: "ab".repeat(32),
  sourceAddress: "192.0.2.2:2",
});

/** Lets promises that were resolved run what waits for them. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
