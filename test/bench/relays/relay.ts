import type { Endpoint } from "../harness/traffic-commands.ts";

/** The two ends of one connection through a relay. */
export interface Path {
  /** What the client dials. */
  readonly client: Endpoint;
  /** What the backend dials; undefined: it is dialled by the relay, at the port that the relay was started with. */
  readonly backend: Endpoint | undefined;
}

/** Ports of loopback on which the backends listen. */
export interface BackendPorts {
  /** Sends without end. */
  readonly send: number;
  readonly receive: number;
  readonly echo: number;
}

/** What a path is for. */
export type PathUse = keyof BackendPorts;

/** A relay that runs and can be measured. Its disposal ends it. */
export interface Relay extends AsyncDisposable {
  /** In the tables: `HAProxy, splicing`. */
  readonly name: string;
  /** The process whose CPU time counts, its children included; undefined: none does. */
  readonly pid: number | undefined;
  /** New paths, which may be dialled once each. */
  open(use: PathUse, count: number): Promise<readonly Path[]>;
  /** The paths opened so far are of no use any more. */
  close(): Promise<void>;
}

/** A relay that listens with one port for each use and takes any number of connections there. */
export function pathsTo(port: number, count: number): readonly Path[] {
  return Array.from({ length: count }, () => ({ client: { host: "127.0.0.1", port }, backend: undefined }));
}
