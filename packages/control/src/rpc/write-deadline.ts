import type { ServerInterceptor } from "@grpc/grpc-js";
import { ServerInterceptingCall } from "@grpc/grpc-js";

/**
 * Finds peers that answer pings but do not read: HTTP/2's flow control holds a message back for as long as its receiver
 * likes, and keep-alive does not notice, since pings are not held back (RFC 9113, sections 5.2 and 6.7). A message that
 * has not left within the deadline tells. What waits behind it is bounded by MessageQueue.
 *
 * @param onStalled told the peer, as `call.getPeer()` has it; its connection should be closed, since a stream alone could
 *   end only behind what it does not read.
 */
export function writeDeadlineInterceptor(deadlineMs: number, onStalled: (peer: string) => void): ServerInterceptor {
  return (_method, call) => {
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const left = (): void => clearTimeout(timer);
    // grpc-js does not say of a message whether it has left once its call was cancelled.
    const onCancel = (): void => {
      isOver = true;
      left();
    };
    const watched = new ServerInterceptingCall(call, { start: (next) => next({ onCancel }) });
    const send = watched.sendMessage.bind(watched);
    watched.sendMessage = (message, callback) => {
      left();
      if (!isOver) timer = setTimeout(() => onStalled(call.getPeer()), deadlineMs);
      send(message, () => {
        left();
        callback();
      });
    };
    return watched;
  };
}
