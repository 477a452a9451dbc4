/** What a connection does: sends without end, counts what it receives, returns what it receives, or measures echoes. */
export type TrafficMode = "send" | "receive" | "echo" | "ping";

/** Where a connection is dialled, and what is said first. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Sent at once, base64: a preface. */
  readonly head?: string;
}

/** How long round trips took, in microseconds. */
export interface RoundTrips {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** What a traffic process can be told, and what it answers. */
export interface TrafficCommands {
  /** Listens on a free port of loopback; connections do as `mode` says. */
  listen: { request: { mode: TrafficMode }; response: { port: number } };
  /** Resolves when connected. */
  dial: { request: { mode: TrafficMode; endpoint: Endpoint }; response: Record<string, never> };
  /** How many connections there are. */
  connections: { request: Record<string, never>; response: { count: number } };
  /** Lets the senders send, or stops them. */
  send: { request: { on: boolean }; response: Record<string, never> };
  /** The bytes received so far, and when, in milliseconds. */
  received: { request: Record<string, never>; response: { bytes: number; at: number } };
  /** Sends messages of so many bytes to and fro, for so long, on the one connection of mode `ping`, with a pause each. */
  ping: { request: { bytes: number; seconds: number; pauseMs: number }; response: RoundTrips };
  /** Resets all connections. */
  reset: { request: Record<string, never>; response: Record<string, never> };
}

export type TrafficCommand = keyof TrafficCommands;

/** What goes over the channel between the bench and a traffic process. */
export type TrafficRequest = {
  [Name in TrafficCommand]: { id: number; name: Name; request: TrafficCommands[Name]["request"] };
}[TrafficCommand];
export interface TrafficResponse {
  readonly id: number;
  readonly response?: unknown;
  readonly error?: string;
}
