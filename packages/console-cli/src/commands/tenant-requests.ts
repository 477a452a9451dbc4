import type { RequestView } from "@drawbridge/control/tenant";
import { askLocal, watchLocal } from "@drawbridge/control/tenant";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { accountName } from "../account-name.ts";
import { commandNamed } from "../common-options.ts";
import type { Output } from "../rendering/index.ts";
import { formatDuration, plain } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge tenant requests`: who waits for a person's consent. */
export function requestsCommand() {
  return commandNamed("requests", "list the sessions that wait for consent: see `approve` and `refuse`")
    .option("--watch", "stay and show requests as they come and go")
    .action((options) =>
      runCommand(options, async ({ output, signal, home }) => {
        const path = home("tenant");
        if (options.watch) {
          await watch(output, path, signal);
          return;
        }
        const { requests } = await askLocal(path, { call: "requests" }, "requests", signal);
        if (requests.length === 0) output.note("No request waits for an answer.");
        for (const request of requests) output.result(request, describe(request));
      }),
    );
}

/** Prints each request once when it comes, and once when it is gone. */
async function watch(output: Output, home: string, signal: AbortSignal): Promise<void> {
  let shown = new Map<string, RequestView>();
  for await (const { requests } of watchLocal(home, signal)) {
    const now = new Map(requests.map((request) => [request.id, request]));
    for (const [id, request] of now) {
      if (!shown.has(id)) output.result({ event: "request", ...request }, describe(request));
    }
    for (const [id, { operator }] of shown) {
      if (now.has(id)) continue;
      output.result({ event: "request-over", id, operator }, plain`${id}: no longer waits for an answer`);
    }
    shown = now;
  }
  if (!signal.aborted) throw new DrawbridgeError("closed", "`drawbridge tenant run` has ended");
}

/** All that a person needs to decide. Values come from the provider and are shown as text only. */
function describe(request: RequestView): string {
  const { id, operator, role, target, addresses = [], reason, ticket, sourceAddress, operatorKey, leftMs } = request;
  // Of a free target the person sees where its name leads.
  const where = addresses.length === 0 ? target : `${target} at ${addresses.join(", ")}`;
  const links = request.plain ? "PLAIN: the provider's server could read and change them" : "encrypted end to end";
  return plain`${id}  ${operator} (${role}) asks for ${where}; ${formatDuration(leftMs)} left
  reason   ${reason === "" ? "none given" : reason}
  ticket   ${ticket === "" ? "none given" : ticket}
  from     ${sourceAddress}
  key      ${operatorKey}
  links    ${links}`;
}

/** `drawbridge tenant approve`. */
export function approveCommand() {
  return commandNamed("approve", "let a session begin that waits for consent")
    .argument("<id>", "the request's id, as `drawbridge tenant requests` shows it")
    .action((id, options) =>
      runCommand(options, async ({ output, signal, home }) => {
        const by = accountName();
        const { request } = await askLocal(home("tenant"), { call: "approve", id, by }, "decided", signal);
        output.result(
          { event: "approved", id, ...request, by },
          plain`Approved: ${request.operator} may reach ${request.target} in session ${id}.`,
        );
      }),
    );
}

/** `drawbridge tenant refuse`. */
export function refuseCommand() {
  return commandNamed("refuse", "refuse a session that waits for consent")
    .argument("<id>", "the request's id, as `drawbridge tenant requests` shows it")
    .option("--reason <text>", "why; the operator sees it", "")
    .action((id, options) =>
      runCommand(options, async ({ output, signal, home }) => {
        const by = accountName();
        const { reason } = options;
        const { request } = await askLocal(home("tenant"), { call: "refuse", id, by, reason }, "decided", signal);
        output.result(
          { event: "refused", id, ...request, by },
          plain`Refused: ${request.operator} may not reach ${request.target}.`,
        );
      }),
    );
}
