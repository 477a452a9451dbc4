import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { JsonObject } from "@bufbuild/protobuf";
import { joinSockets } from "../support/join-sockets.ts";
import { OldChannel, type OldStream } from "./old-channel.ts";
import type { OldContract } from "./old-contract.ts";
import { bytesOf, type OldIdentity } from "./old-identity.ts";
import { dialLeg, type OldPeer, secureAsRemote, secureAsTenant } from "./old-leg.ts";

/** What both kinds of client have: the release's contract, an identity, and the channel that it is shown on. */
abstract class OldClient implements Disposable {
  protected readonly contract: OldContract;
  protected readonly identity: OldIdentity;
  readonly channel: OldChannel;

  constructor(contract: OldContract, identity: OldIdentity) {
    this.contract = contract;
    this.identity = identity;
    this.channel = new OldChannel(contract, identity.address, identity);
  }

  [Symbol.dispose](): void {
    this.channel[Symbol.dispose]();
  }
}

/** An operator's client of that release. */
export class OldOperator extends OldClient {
  /** The tenant registry, from its snapshot on. */
  watch(): OldStream {
    const stream = this.channel.stream("RegistryService", "Watch");
    stream.send({ filter: {} });
    return stream;
  }

  /** Resolves once the session is open. */
  async open(tenant: string, target: string): Promise<OldSession> {
    const stream = this.channel.stream("SessionService", "Open");
    stream.send({ start: { tenant, target, reason: "from long ago", software: "old/1", maxDuration: "3600s" } });
    const opened = await stream.next("opened");
    const peer = {
      uri: `drawbridge://${this.identity.provider}/tenant/${tenant}`,
      fingerprint: bytesOf(opened, "tenantKeyFingerprint"),
      sessionId: opened["sessionId"] as string,
      target,
    };
    return new OldSession(stream, peer, async (ticket) =>
      secureAsRemote(await dialLeg(this.contract, this.identity, ticket), this.identity, peer),
    );
  }
}

/** An operator's open session. */
export class OldSession {
  readonly stream: OldStream;
  readonly peer: OldPeer;
  readonly #dial: (ticket: JsonObject) => Promise<TLSSocket>;
  #requests = 0;

  constructor(stream: OldStream, peer: OldPeer, dial: (ticket: JsonObject) => Promise<TLSSocket>) {
    this.stream = stream;
    this.peer = peer;
    this.#dial = dial;
  }

  /** A link's encrypted leg. */
  async link(): Promise<TLSSocket> {
    this.stream.send({ linkRequest: { requestId: (this.#requests += 1) } });
    return this.#dial(await this.stream.next("linkTicket"));
  }

  /** Says goodbye, and returns what the session ended with. */
  async end(): Promise<JsonObject> {
    this.stream.send({ goodbye: {} });
    const ended = await this.stream.next("ended");
    await this.stream.ended();
    return ended;
  }
}

/** A tenant redirector of that release, which a test leads step by step. */
export class OldTenant extends OldClient {
  readonly stream = this.channel.stream("ControlService", "Connect");

  /** Says hello; resolves to the welcome. */
  hello(target: string): Promise<JsonObject> {
    const targets = [{ name: target, address: "" }];
    this.stream.send({ hello: { protocolVersion: 1, software: "old/1", hostName: "attic", platform: "old", targets } });
    return this.stream.next("welcome");
  }

  /** Accepts the next session that is offered, and returns the offer. */
  async accept(): Promise<JsonObject> {
    const offer = await this.stream.next("sessionOffer");
    const sessionId = offer["sessionId"] as string;
    this.stream.send({ sessionAnswer: { sessionId, accepted: { decidedBy: "policy" } } });
    return offer;
  }

  /** Serves the next link that is offered, inside of this session, from a port of loopback. */
  async serve(offer: JsonObject, port: number): Promise<void> {
    const link = await this.stream.next("linkOffer");
    const target = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
    const [leg] = await Promise.all([dialLeg(this.contract, this.identity, link), once(target, "connect")]);
    this.stream.send({ linkAnswer: { linkId: link["linkId"] as string, accepted: {} } });
    const peer = {
      uri: `drawbridge://${this.identity.provider}/operator/${offer["operator"] as string}`,
      fingerprint: bytesOf(offer, "operatorKeyFingerprint"),
      sessionId: link["sessionId"] as string,
      target: offer["target"] as string,
    };
    join(target, await secureAsTenant(leg, this.identity, peer));
  }

  async goodbye(): Promise<void> {
    this.stream.send({ goodbye: { reason: { code: "closed", message: "stopped" } } });
    await this.stream.ended();
  }
}

/** Their errors are the splice's or the test's to tell. */
function join(one: Socket, other: Socket): void {
  for (const socket of [one, other]) socket.on("error", () => {});
  joinSockets(one, other);
}
