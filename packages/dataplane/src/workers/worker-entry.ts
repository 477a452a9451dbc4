/**
 * What runs in a data-plane worker: to be loaded as a process's first module, by a process that was started with a channel
 * to its parent. Ends with the parent, however that ends.
 */
import { DrawbridgeError } from "../errors.ts";
import { SpliceWorker } from "./splice-worker.ts";
import { readOrder, WORKER_PROTOCOL, type WorkerNews } from "./worker-messages.ts";

if (process.send === undefined) {
  throw new DrawbridgeError("invalid-argument", "a data-plane worker is started by its cloud redirector, not by hand");
}

// Ctrl-C, and who stops a service, may reach every process of it. The main process drains first, and this one with it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit());

function tell(news: WorkerNews, done?: () => void): void {
  // Without a parent there is nobody to tell, and `disconnect` follows.
  if (process.connected) process.send?.(news, undefined, {}, () => done?.());
}

const worker = new SpliceWorker(tell);
process.on("message", (message, socket) => worker.take(readOrder(message), socket));
tell({ kind: "ready", protocol: WORKER_PROTOCOL });
