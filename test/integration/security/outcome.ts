import type { Socket } from "node:net";

/** What came of a connection. */
export interface Outcome {
  /** All that it received. */
  readonly received: string;
  /** `ended in order`, `closed`, or the code of its error. */
  readonly end: string;
}

/** All that a socket receives until it is closed, and how its stream ended. */
export async function outcomeOf(socket: Socket): Promise<Outcome> {
  const chunks: Buffer[] = [];
  let end = "closed";
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.once("end", () => {
    end = "ended in order";
    socket.end();
  });
  socket.once("error", (error: NodeJS.ErrnoException) => (end = error.code ?? "failed"));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume();
  if (!socket.closed) await closed;
  return { received: Buffer.concat(chunks).toString("latin1"), end };
}
