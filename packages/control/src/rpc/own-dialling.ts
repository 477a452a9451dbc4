import type { Socket } from "node:net";
import type { ChannelOptions } from "@grpc/grpc-js";
import { Http2SubchannelConnector } from "@grpc/grpc-js/build/src/transport.js";

/*
 * grpc-js opens its TCP connections itself: it looks the name up, tries one address after another, and knows HTTP proxies
 * from the environment only, whose refusals it reduces to "Failed to connect". A control connection has to go the way
 * that legs go, or one of them fails where the other does not: through the same proxy, with the same Happy Eyeballs, with
 * the same words when it fails. grpc-js has no option for that. Its options `grpc.http_connect_target` and `_creds` do
 * CONNECT without deadline and bounds, to a proxy that it would resolve itself. A listener of our own on loopback that
 * passes bytes on would cost two copies, and would be open to the machine's other users.
 *
 * So the one private method that opens a connection is taken over, for the channels that ask for it. The version is
 * pinned; the check below and test/integration/rpc/own-dialling.spec.ts tell when a newer one has changed it.
 */
interface TcpConnect {
  tcpConnect: (this: unknown, address: unknown, options: ChannelOptions) => Promise<Socket>;
}

const DIAL = "drawbridge.dial";
const prototype = Http2SubchannelConnector.prototype as unknown as TcpConnect;
const theirs = prototype.tcpConnect;
if (typeof theirs !== "function") throw new Error("this version of grpc-js opens its connections in another way");

prototype.tcpConnect = function tcpConnect(address, options) {
  const dial = options[DIAL] as (() => Promise<Socket>) | undefined;
  return dial === undefined ? theirs.call(this, address, options) : dial();
};

/** What a channel that dials itself is named for grpc-js: an address that needs no look-up, and is never dialled. */
export const UNDIALLED_TARGET = "ipv4:127.0.0.1:1";

/** Makes a channel's connections come from a function. It may be called at any time, also again after a failure. */
export function ownDialling(dial: () => Promise<Socket>): ChannelOptions {
  return { [DIAL]: dial };
}
