import { ChannelCredentials, Client, status } from "@grpc/grpc-js";
import type { Channel } from "nice-grpc";

/** Of the standard health service; a server that does not have it says so, which is an answer as well. */
const METHOD = "/grpc.health.v1.Health/Check";

/** What a call ends with that never reached the server. */
const NO_ANSWER: ReadonlySet<status> = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED]);

/** Whether the server at the other end of a channel answers a call within so many milliseconds. Never rejects. */
export function probeChannel(channel: Channel, withinMs: number): Promise<boolean> {
  const client = new Client("", ChannelCredentials.createInsecure(), { channelOverride: channel });
  const nothing = (): Buffer => Buffer.alloc(0);
  return new Promise((resolve) => {
    client.makeUnaryRequest(METHOD, nothing, nothing, undefined, { deadline: Date.now() + withinMs }, (error) =>
      resolve(error === null || !NO_ANSWER.has(error.code)),
    );
  });
}
