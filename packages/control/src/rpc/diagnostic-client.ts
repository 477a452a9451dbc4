import { timestampMs } from "@bufbuild/protobuf/wkt";
import { HandshakeToken } from "@drawbridge/dataplane";
import { DiagnosticService } from "@drawbridge/gen/drawbridge/v1/diagnostic";
import { durationMs } from "../wire/duration.ts";
import type { RpcChannel } from "./channel.ts";
import { serviceDefinition } from "./service-definition.ts";

const definition = serviceDefinition(DiagnosticService);

/** A link with oneself: both of its legs are the caller's to dial. */
export interface TestLink {
  /** The handshake tokens of the two legs. */
  tokens: readonly [HandshakeToken, HandshakeToken];
  /** Where the legs are dialled, as `host:port`; empty: where the call was made. */
  rendezvousAddress: string;
  /** How long the link lives at most, in milliseconds. */
  expiresInMs: number;
  /** The cloud redirector's clock, in milliseconds since the Unix epoch; undefined where it does not say. */
  serverTime: number | undefined;
  /** The address from which the call came, as the cloud redirector saw it. */
  sourceAddress: string;
}

/**
 * Asks for a link with oneself, to see that legs get through. An older one of the same caller ends.
 *
 * Errors: `unauthenticated`, `revoked`, `limit-exceeded`, `unavailable`; `token-invalid` for an answer that has none.
 */
export async function openTestLink(channel: RpcChannel, signal: AbortSignal): Promise<TestLink> {
  const answer = await channel.client(definition).openTestLink({}, { signal });
  return {
    tokens: [HandshakeToken.fromBytes(answer.remoteToken), HandshakeToken.fromBytes(answer.tenantToken)],
    rendezvousAddress: answer.rendezvousAddress,
    expiresInMs: durationMs(answer.expiresIn) ?? 0,
    serverTime: answer.serverTime === undefined ? undefined : timestampMs(answer.serverTime),
    sourceAddress: answer.sourceAddress,
  };
}
