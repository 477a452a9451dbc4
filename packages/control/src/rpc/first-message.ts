import type { Clock } from "@drawbridge/dataplane";
import { DrawbridgeError } from "@drawbridge/dataplane";

/**
 * Reads a stream's first message, which has to come soon.
 *
 * Errors: `handshake-timeout` when it does not come in time, `protocol-violation` when the stream ends without one.
 */
export async function firstMessage<Message>(
  messages: AsyncIterator<Message>,
  name: string,
  withinMs: number,
  clock: Clock,
): Promise<Message> {
  const late = Promise.withResolvers<never>();
  const timer = clock.setTimer(withinMs, () => {
    late.reject(new DrawbridgeError("handshake-timeout", `no ${name} came within ${withinMs / 1000} s`));
  });
  try {
    const first = await Promise.race([messages.next(), late.promise]);
    if (first.done !== true) return first.value;
    throw new DrawbridgeError("protocol-violation", `the stream ended before its ${name}`);
  } finally {
    timer.cancel();
  }
}
