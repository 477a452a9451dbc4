import { DrawbridgeError, toDrawbridgeError } from "@drawbridge/dataplane";
import type {
  CertificateAuthority,
  InviteSecret,
  IssuedCertificate,
  IssueOptions,
  PrincipalKind,
} from "../identity/index.ts";
import { fingerprintHex, hashInviteSecret, keyFingerprint, publicKeyOfRequest } from "../identity/index.ts";
import type { PrincipalRecord, Store } from "../store/index.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { AuditWriter } from "./audit-log.ts";
import type { RateLimit } from "./rate-limit.ts";

/** What enrolment needs. */
export interface EnrollmentOptions {
  authority: CertificateAuthority;
  /** CAs to trust beside the issuing one, DER. */
  otherAuthorities: readonly Buffer[];
  store: Store;
  audit: AuditWriter;
  clock: WallClock;
  /** How long a principal's certificate is good, in milliseconds. */
  certificateLifeMs: number;
  /** How often strangers may try. */
  rate: RateLimit;
  /** Told when a principal has a new key, and which one it takes the place of. */
  onEnrolled: (principal: PrincipalRecord, replacedKey: string | undefined) => void;
}

/** Turns invite codes into certificates, and old certificates into fresh ones. */
export class Enrollment {
  readonly #options: EnrollmentOptions;

  constructor(options: EnrollmentOptions) {
    this.#options = options;
  }

  /** The CAs that principals should trust, DER, the issuing one first. */
  caCertificates(): Buffer[] {
    return [this.#options.authority.certificateDer, ...this.#options.otherAuthorities];
  }

  /**
   * Redeems an invite. The certificate is made before the invite is spent, so that a request that is no good costs
   * nobody their code.
   *
   * Errors: `invite-invalid`, whose text tells the holder of a code whether it was spent, late or of the other kind: a
   * stranger, who can only guess secrets, learns of none that exists; `certificate-invalid`; `limit-exceeded`.
   */
  async enroll(
    kind: PrincipalKind,
    secret: InviteSecret,
    request: Uint8Array,
    source: string,
  ): Promise<{ name: string; certificate: Buffer }> {
    const { store, audit, clock, authority, onEnrolled } = this.#options;
    const hash = hashInviteSecret(secret);
    this.#checkRate(source);
    try {
      const invite = await store.invites.check(hash, kind, clock.wallNow());
      const principal = { kind, name: invite.name, provider: authority.provider };
      const issued = await authority.issuePrincipalCertificate(principal, request, this.#validity());
      const credential = { keyFingerprint: issued.keyFingerprint, certificateSerial: issued.serial };
      const before = await store.principals.find(kind, invite.name);
      const enrolled = await store.invites.redeem(hash, kind, clock.wallNow(), credential);
      const details = { source, keyFingerprint: issued.keyFingerprint };
      await audit.record("enrolled", { [kind]: enrolled.name, details });
      onEnrolled(enrolled, before?.keyFingerprint);
      return { name: enrolled.name, certificate: issued.der };
    } catch (error) {
      const failure = toDrawbridgeError(error);
      await audit.record("enrolment-refused", { details: { kind, source, why: failure.message } });
      throw failure;
    }
  }

  /** Issues a fresh certificate for the enrolled key. Errors: `certificate-invalid` for another key. */
  async renew(
    caller: { kind: PrincipalKind; name: string; keyFingerprint: string },
    request: Uint8Array,
  ): Promise<IssuedCertificate> {
    const { store, audit, authority } = this.#options;
    const requested = fingerprintHex(keyFingerprint(await publicKeyOfRequest(request)));
    if (requested !== caller.keyFingerprint) throw otherKey(caller.name);
    const principal = { kind: caller.kind, name: caller.name, provider: authority.provider };
    const issued = await authority.issuePrincipalCertificate(principal, request, this.#validity());
    const credential = { keyFingerprint: issued.keyFingerprint, certificateSerial: issued.serial };
    await store.principals.recordRenewal(caller.kind, caller.name, credential);
    await audit.record("certificate-renewed", { [caller.kind]: caller.name, details: { notAfter: issued.notAfter } });
    return issued;
  }

  #validity(): IssueOptions {
    const { clock, certificateLifeMs } = this.#options;
    return { now: clock.wallNow(), lifeMs: certificateLifeMs };
  }

  /** Before anything is written, so that a flood of guesses fills neither the audit log nor the disk. */
  #checkRate(source: string): void {
    const { rate, clock } = this.#options;
    if (rate.take(source.replace(/:\d+$/, ""), clock.now())) return;
    throw new DrawbridgeError("limit-exceeded", "too many enrolments are tried", {
      remedy: "Wait a minute, then try again.",
      limit: rate.usedUp === "perKey" ? "enrollmentsPerAddressPerMinute" : "enrollmentsPerMinute",
    });
  }
}

function otherKey(name: string): DrawbridgeError {
  return new DrawbridgeError("certificate-invalid", `the request is not for the key that ${name} enrolled with`, {
    remedy: "Ask the provider for a new invite code to change the key.",
  });
}
