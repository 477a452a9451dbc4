import { CloudRedirectorRelay } from "./cloud-redirector.ts";
import { direct } from "./direct.ts";
import { startHaproxy, startSplicingHaproxy } from "./haproxy.ts";
import { startNginx } from "./nginx.ts";
import type { BackendPorts, Relay } from "./relay.ts";

/** Starts every relay to these backends, first none at all. They end with the stack. */
export async function startRelays(stack: AsyncDisposableStack, backends: BackendPorts): Promise<readonly Relay[]> {
  return [
    direct(backends),
    stack.use(await CloudRedirectorRelay.start()),
    stack.use(await startSplicingHaproxy(backends)),
    stack.use(await startHaproxy(backends)),
    stack.use(await startNginx(backends)),
  ];
}
