import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below Linux's range for outgoing connections (32768 to 60999), so that none of those takes a port that was found free. */
const FIRST = 15_000;
const BEYOND = 32_000;

/**
 * A port on 127.0.0.1 that is free now. Somebody else may take it before it is used, so the user of the port has to try
 * another one when binding fails.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, BEYOND);
    if (await canBind(port)) return port;
  }
}

async function canBind(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: "127.0.0.1", port });
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
