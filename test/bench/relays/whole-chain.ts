import { openSession, startChain, stopChain } from "../../support/chain.ts";
import { pathsTo, type BackendPorts, type Relay } from "./relay.ts";

/** Cloud, tenant and remote redirector as real processes, with end-to-end TLS: what a user gets. */
export async function startWholeChain(backends: BackendPorts): Promise<Relay> {
  const uses = ["send", "receive", "echo"] as const;
  const chain = await startChain(uses.map((use) => `${use}=127.0.0.1:${backends[use]}`));
  try {
    const sessions = {
      send: await openSession(chain, "send"),
      receive: await openSession(chain, "receive"),
      echo: await openSession(chain, "echo"),
    };
    return {
      name: "Drawbridge, end to end",
      pid: chain.tenant.child.pid,
      open: (use, count) => Promise.resolve(pathsTo(sessions[use].port, count)),
      close: () => Promise.resolve(),
      [Symbol.asyncDispose]: async () => {
        for (const session of Object.values(sessions)) await session[Symbol.asyncDispose]();
        await stopChain(chain);
      },
    };
  } catch (error) {
    await chain[Symbol.asyncDispose]();
    throw error;
  }
}
