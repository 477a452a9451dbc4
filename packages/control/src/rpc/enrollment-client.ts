import type { SecureContext } from "node:tls";
import type { Reach } from "@drawbridge/dataplane";
import { DrawbridgeError, Gateways, toDrawbridgeError } from "@drawbridge/dataplane";
import { PrincipalKind } from "@drawbridge/gen/drawbridge/v1/common";
import { EnrollmentService } from "@drawbridge/gen/drawbridge/v1/enrollment";
import type { EnrolledIdentity, InviteCode, KeyPair } from "../identity/index.ts";
import {
  certificateFacts,
  certificateFromPem,
  certificateToPem,
  CLOUD_SERVER_NAME,
  createCertificateRequest,
  exportPrivateKeyPem,
  generateKeyPairP256,
} from "../identity/index.ts";
import { RpcChannel, secureContextFor } from "./channel.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { fetchProviderAuthority } from "./provider-authority.ts";
import { serviceDefinition } from "./service-definition.ts";

const definition = serviceDefinition(EnrollmentService);

/** An identity that was just enrolled; its fingerprint follows from its certificate. */
export type NewIdentity = Omit<EnrolledIdentity, "keyFingerprint">;

/**
 * Redeems an invite code: makes a key, which stays here, and gets a certificate for it.
 *
 * The gateways of the code are tried in order until one answers. Errors: `invite-invalid`, `certificate-invalid`,
 * `dial-failed`, `unavailable`.
 */
export async function redeemInvite(
  kind: EnrolledIdentity["kind"],
  code: InviteCode,
  reach: Reach,
  signal?: AbortSignal,
): Promise<NewIdentity> {
  const keyPair = await generateKeyPairP256();
  let failure: unknown;
  for (const address of await new Gateways(code.addresses, reach).inOrder()) {
    try {
      const authority = await fetchProviderAuthority(address, code.caFingerprint, reach, signal);
      return await enrollAt(reach, address, certificateToPem(authority), kind, code, keyPair, signal);
    } catch (error) {
      const { code: why } = toDrawbridgeError(error);
      if (why !== "dial-failed" && why !== "unavailable") throw error;
      failure ??= error;
    }
  }
  throw failure;
}

async function enrollAt(
  reach: Reach,
  address: string,
  authority: string,
  kind: EnrolledIdentity["kind"],
  code: InviteCode,
  keyPair: KeyPair,
  signal?: AbortSignal,
): Promise<NewIdentity> {
  const channel = new RpcChannel({
    address,
    reach,
    certificateAuthorities: [authority],
    serverName: CLOUD_SERVER_NAME,
  });
  try {
    const request = {
      secret: code.secret.bytes(),
      certificateRequest: await createCertificateRequest(keyPair),
      kind: kind === "tenant" ? PrincipalKind.TENANT : PrincipalKind.OPERATOR,
    };
    const answer = await channel.client(definition).enroll(request, signal ? { signal } : {});
    return {
      kind,
      name: answer.name,
      provider: answer.provider,
      addresses: [...code.addresses],
      privateKey: exportPrivateKeyPem(keyPair),
      certificate: certificateToPem(answer.certificate),
      certificateAuthorities: answer.caCertificates.map(certificateToPem),
    };
  } finally {
    channel.close();
  }
}

/**
 * A channel on which an enrolled principal calls its cloud redirector. Legs that go the same way from now on trust the
 * same CAs.
 *
 * Errors: `certificate-invalid` where the certificate has expired, which the server could only take for none at all.
 */
export function openChannel(
  identity: EnrolledIdentity,
  address: string,
  reach: Reach,
  keepAlive?: KeepAlive,
): RpcChannel {
  const { certificate, privateKey, certificateAuthorities } = identity;
  const { notAfter, secureContext } = readOnce(identity);
  if (Date.now() > notAfter) throw expired(identity, notAfter);
  reach.trustForLegs({ serverName: CLOUD_SERVER_NAME, certificateAuthorities });
  return new RpcChannel({
    address,
    reach,
    certificateAuthorities,
    serverName: CLOUD_SERVER_NAME,
    identity: { certificate, privateKey },
    secureContext,
    ...(keepAlive && { keepAlive }),
  });
}

/** What is read from an identity's files once for all its connections: a renewed identity is another object. */
interface ReadIdentity {
  readonly notAfter: number;
  readonly secureContext: SecureContext;
}

const read = new WeakMap<EnrolledIdentity, ReadIdentity>();

function readOnce(identity: EnrolledIdentity): ReadIdentity {
  const known = read.get(identity);
  if (known !== undefined) return known;
  const { notAfter } = certificateFacts(certificateFromPem(identity.certificate));
  const secureContext = secureContextFor({ certificateAuthorities: identity.certificateAuthorities, identity });
  const found = { notAfter, secureContext };
  read.set(identity, found);
  return found;
}

function expired({ kind, name }: EnrolledIdentity, notAfter: number): DrawbridgeError {
  const message = `the certificate of ${kind} ${name} expired at ${new Date(notAfter).toISOString()}`;
  return new DrawbridgeError("certificate-invalid", message, {
    remedy:
      "Check this machine's clock. If it is right, ask the provider for a new invite code and enrol with --replace.",
  });
}
