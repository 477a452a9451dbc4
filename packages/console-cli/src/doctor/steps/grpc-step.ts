import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { openChannel, openTestLink, type RpcChannel, type TestLink } from "@drawbridge/control/rpc";
import { DrawbridgeError, type Reach, toDrawbridgeError } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";

/** An answered call. */
export interface Called {
  readonly channel: RpcChannel;
  readonly link: TestLink;
  /** How far this machine's clock is ahead of the cloud redirector's, in milliseconds; undefined: it does not say. */
  readonly clockAheadMs: number | undefined;
}

/**
 * Makes a call as the enrolled principal: it asks for a test link.
 *
 * @param place of the gateway, as `host:port`
 * @param keep is given the channel, to close it in the end
 */
export function grpcStep(
  identity: EnrolledIdentity,
  reach: Reach,
  place: string,
  subject: string | undefined,
  keep: (channel: RpcChannel) => void,
): Step<void, Called> {
  return {
    id: "grpc",
    title: "gRPC (HTTP/2)",
    ...(subject !== undefined && { subject }),
    timeoutMs: 12_000,
    async check(_input, signal) {
      const channel = openChannel(identity, place, reach);
      keep(channel);
      const sentAt = Date.now();
      const link = await openTestLink(channel, signal).catch((error: unknown) => {
        throw inOurWords(error, identity);
      });
      const { serverTime, sourceAddress } = link;
      const halfway = (sentAt + Date.now()) / 2;
      const clockAheadMs = serverTime === undefined ? undefined : halfway - serverTime;
      const { kind, name, provider } = identity;
      const text = `${provider} knows this machine as ${kind} ${name}, and sees it at ${sourceAddress}`;
      return { outcome: "ok", text, details: { sourceAddress }, value: { channel, link, clockAheadMs } };
    },
  };
}

/** A server takes a certificate that it does not accept for none, and says so to whoever calls. */
function inOurWords(error: unknown, { kind, name }: EnrolledIdentity): DrawbridgeError {
  const ours = toDrawbridgeError(error);
  if (ours.code !== "unauthenticated") return ours;
  return new DrawbridgeError(ours.code, `the server does not accept the certificate of ${kind} ${name}`, {
    remedy:
      "By its clock it may not be good now: check the clocks. Else it is of another provider: ask for a new invite code " +
      "and enrol with --replace.",
    cause: error,
  });
}
