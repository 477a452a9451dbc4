import { closeReason, splice, type Splice, type SpliceOptions, type SpliceWorkers } from "@drawbridge/dataplane";
import type { Duplex } from "node:stream";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, createServer } from "node:tls";
import { TestAuthority, type TestIdentity } from "./certificates.ts";
import { LoopbackServer } from "./dataplane-sockets.ts";
import { TestWorkers } from "./test-workers.ts";

/** The ways through which a splice copies: the fast one and the fallback, both also with TLS on one side. */
export const SPLICE_PATHS = ["fast", "streams", "fast, TLS", "streams, TLS"] as const;
/** Those that both ends cannot tell apart, a worker process among them. */
export const ALL_SPLICE_PATHS = [...SPLICE_PATHS, "worker"] as const;
export type SplicePath = (typeof ALL_SPLICE_PATHS)[number];

/** A stream between a test and the splice: what the test holds of it, and what the splice does. */
export interface StreamEnds {
  readonly near: Duplex;
  readonly far: Duplex;
  /** Resets the near end's connection. */
  readonly reset: () => void;
}

let pool: TestWorkers | undefined;

/** Runs one worker for the pairs of a suite, where the path takes one. To be called in its describe. */
export function useWorker(path: SplicePath): void {
  if (path !== "worker") return;
  before(async () => (pool = await TestWorkers.start(1)));
  after(async () => {
    await pool?.workers.close();
    pool = undefined;
  });
}

function workers(): SpliceWorkers {
  if (pool === undefined) throw new Error("there is no worker: see useWorker");
  return pool.workers;
}

let identity: Promise<TestIdentity> | undefined;

/** left.near ⇄ left.far ═ splice ═ right.far ⇄ right.near. With TLS the left side is TLS, the right one is plain. */
export class SplicedPair {
  readonly left: StreamEnds;
  readonly right: StreamEnds;
  readonly running: Splice;
  readonly #server: LoopbackServer;

  static async start(path: SplicePath, options: SpliceOptions = {}): Promise<SplicedPair> {
    const server = await LoopbackServer.start();
    const first = await server.pair();
    const left = path.endsWith("TLS") ? await encrypt(first.near, first.far) : endsOf(first.near, first.far);
    const second = await server.pair();
    const right = endsOf(second.near, second.far);
    const names = { aName: "the remote leg", bName: "the tenant leg" };
    const running =
      path === "worker"
        ? workers().splice(first.far, second.far, { tenant: "acme" })
        : splice(left.far, right.far, { ...names, streamsOnly: path.startsWith("streams"), ...options });
    if ((running.path === "worker") !== (path === "worker")) throw new Error(`${path} went ${running.path}`);
    return new SplicedPair(server, left, right, running);
  }

  private constructor(server: LoopbackServer, left: StreamEnds, right: StreamEnds, running: Splice) {
    this.#server = server;
    this.left = left;
    this.right = right;
    this.running = running;
  }

  stop(): void {
    this.#server.close();
    this.running.destroy(closeReason("closed", "the test is over"));
    this.left.near.destroy();
    this.right.near.destroy();
  }
}

async function encrypt(near: Socket, far: Socket): Promise<StreamEnds> {
  identity ??= TestAuthority.create().then((authority) => authority.issue("drawbridge://test/tenant/acme"));
  const { key, certificate: cert } = await identity;
  const server = createServer({ key, cert, minVersion: "TLSv1.3" });
  const secured = once(server, "secureConnection") as Promise<[Duplex & { allowHalfOpen: boolean }]>;
  server.emit("connection", far);
  const client = connect({ socket: near, rejectUnauthorized: false });
  const [[accepted]] = await Promise.all([secured, once(client, "secureConnect")]);
  accepted.allowHalfOpen = client.allowHalfOpen = true;
  return { near: client.on("error", () => {}), far: accepted, reset: () => void near.resetAndDestroy() };
}

function endsOf(near: Socket, far: Socket): StreamEnds {
  return { near, far, reset: () => void near.resetAndDestroy() };
}
