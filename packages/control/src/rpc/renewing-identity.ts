import type { Timer } from "@drawbridge/dataplane";
import { EnrollmentService } from "@drawbridge/gen/drawbridge/v1/enrollment";
import type { EnrolledIdentity } from "../identity/index.ts";
import {
  certificateFacts,
  certificateFromPem,
  certificateToPem,
  createCertificateRequest,
  importPrivateKeyPem,
  saveCertificate,
} from "../identity/index.ts";
import type { Log } from "../wire/log.ts";
import { needsRenewal, renewalTime } from "../wire/renewal.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { RpcChannel } from "./channel.ts";
import { serviceDefinition } from "./service-definition.ts";

const definition = serviceDefinition(EnrollmentService);

/** How long to wait before a renewal that failed is tried again, in milliseconds. */
const RETRY_MS = 60 * 60 * 1000;
/** The shortest time between two renewals, however short certificates live, in milliseconds. */
const SHORTEST_MS = 1_000;
/** The longest that a timer waits before it looks again: a wall clock may be set, and a machine may sleep. */
const LOOK_MS = 60 * 60 * 1000;

/**
 * An enrolled identity whose certificate renews itself at two thirds of its life. The key stays, since others have
 * pinned it; connections that are open go on with the certificate they were made with.
 */
export class RenewingIdentity {
  readonly #home: string;
  readonly #clock: WallClock;
  readonly #log: Log;
  #identity: EnrolledIdentity;
  #timer: Timer | undefined;

  /** @param home the folder that the identity was loaded from. */
  constructor(home: string, identity: EnrolledIdentity, clock: WallClock, log: Log) {
    this.#home = home;
    this.#identity = identity;
    this.#clock = clock;
    this.#log = log;
  }

  /** The identity with its newest certificate. */
  get current(): EnrolledIdentity {
    return this.#identity;
  }

  /** Renews now if it is time. Returns whether it did. Errors: those of the call and of writing the home. */
  async renewIfDue(channel: RpcChannel): Promise<boolean> {
    if (!needsRenewal(this.#validity(), this.#clock.wallNow())) return false;
    const keyPair = importPrivateKeyPem(this.#identity.privateKey);
    const certificateRequest = await createCertificateRequest(keyPair);
    const answer = await channel.client(definition).renew({ certificateRequest });
    const certificate = certificateToPem(answer.certificate);
    const certificateAuthorities = answer.caCertificates.map(certificateToPem);
    await saveCertificate(this.#home, certificate, certificateAuthorities);
    this.#identity = { ...this.#identity, certificate, certificateAuthorities };
    const notAfter = new Date(this.#validity().notAfter).toISOString();
    this.#log.info(
      { event: "certificate-renewed", notAfter },
      `the certificate was renewed and is good until ${notAfter}`,
    );
    return true;
  }

  /** Renews whenever it is time, over this channel, until `stop` or another `watch`. */
  watch(channel: RpcChannel): void {
    this.stop();
    const untilDueMs = Math.max(SHORTEST_MS, renewalTime(this.#validity()) - this.#clock.wallNow());
    this.#arm(channel, Math.min(untilDueMs, LOOK_MS));
  }

  /** Ends the watch. May be called twice. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(channel: RpcChannel, delayMs: number): void {
    const timer = this.#clock.setTimer(delayMs, () => {
      this.renewIfDue(channel).then(
        () => this.#timer === timer && this.watch(channel),
        (err: unknown) => {
          this.#log.warn({ event: "renewal-failed", err }, "the certificate could not be renewed; it is tried again");
          if (this.#timer === timer) this.#arm(channel, RETRY_MS);
        },
      );
    });
    this.#timer = timer;
  }

  #validity(): { notBefore: number; notAfter: number } {
    return certificateFacts(certificateFromPem(this.#identity.certificate));
  }
}
