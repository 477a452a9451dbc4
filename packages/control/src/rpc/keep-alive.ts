import type { ChannelOptions } from "@grpc/grpc-js";

/** How a gRPC connection finds out that its peer is gone: HTTP/2 pings (RFC 9113 section 6.7). */
export interface KeepAlive {
  /** A ping goes out after this much silence, in milliseconds. */
  intervalMs: number;
  /** A peer that does not answer within this time, in milliseconds, is gone. */
  timeoutMs: number;
}

/** A client's: a dead peer is known within 16 s, and so within the design's 20 s with some to spare for a busy machine. */
export const DEFAULT_KEEP_ALIVE: KeepAlive = { intervalMs: 11_000, timeoutMs: 5_000 };

/**
 * A server's: it waits a little longer than our clients do, whose pings then tell it that they are there. A dead peer is
 * still known within 19 s. A tenth of ten thousand idle tenants' CPU time hangs on each second of the interval.
 */
export const SERVER_KEEP_ALIVE: KeepAlive = { intervalMs: 12_000, timeoutMs: 5_000 };

/** The same as grpc-js options of a channel. */
export function keepAliveOptions(keepAlive: KeepAlive): ChannelOptions {
  return {
    "grpc.keepalive_time_ms": keepAlive.intervalMs,
    "grpc.keepalive_timeout_ms": keepAlive.timeoutMs,
    "grpc.keepalive_permit_without_calls": 1,
  };
}
