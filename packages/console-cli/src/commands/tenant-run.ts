import { Backoff } from "@drawbridge/control/rpc";
import type { TenantRedirectorOptions } from "@drawbridge/control/tenant";
import { askLocal, TenantService } from "@drawbridge/control/tenant";
import type { Log } from "@drawbridge/control/wire";
import { counted, systemWallClock } from "@drawbridge/control/wire";
import { closeReasonError } from "@drawbridge/dataplane";
import { accountName } from "../account-name.ts";
import { commandNamed } from "../common-options.ts";
import type { NetworkChoice } from "../network-options.ts";
import {
  legTransportOption,
  networkChoice,
  noProxyOption,
  proxyOption,
  proxyPasswordOption,
} from "../network-options.ts";
import { openReach } from "../open-reach.ts";
import type { Output } from "../rendering/index.ts";
import { formatDuration, plain } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { tenantServiceReport } from "./tenant-service-report.ts";

/** `drawbridge tenant run`. */
export function runTenantCommand() {
  return commandNamed("run", "hold the connection to the provider until Ctrl-C; SIGHUP reads the policy again")
    .addOption(proxyOption())
    .addOption(noProxyOption())
    .addOption(proxyPasswordOption())
    .addOption(legTransportOption())
    .action((options) => runCommand(options, (context) => runTenant(context, networkChoice(options))));
}

async function runTenant(context: CommandContext, network: NetworkChoice): Promise<void> {
  const { output, log, signal, home, onHangup, service } = context;
  const observer = tenantObserver(output, log, () => service.refresh());
  const backoff = new Backoff();
  const tenant = await TenantService.open({
    home: home("tenant"),
    reach: (await openReach(context, "tenant", network)).reach,
    observer,
    log,
    clock: systemWallClock,
    backoff,
    tracer: await context.tracer("drawbridge-tenant"),
  });
  const stopped = { code: "closed", message: "the tenant redirector was stopped" } as const;
  const stop = (): void => void tenant.stop(stopped);
  onHangup(() => {
    service.reloading();
    // A reload that fails has logged why.
    void tenant
      .reload("SIGHUP")
      .catch(() => {})
      .finally(() => service.reloaded());
  });
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const running = tenant.run();
  // Not once it is connected: a provider that is down must not fail this machine's start.
  service.ready(() => tenantServiceReport(tenant, systemWallClock.wallNow()));
  const reason = await running;
  await tenant.stop(signal.aborted ? stopped : reason);
  if (!signal.aborted) throw closeReasonError(reason);
}

type Observer = TenantRedirectorOptions["observer"];

/** Writes what sessions do: JSON events on standard output, and the log. */
function tenantObserver(output: Output, log: Log, onChange: () => void): Observer {
  const tell = (record: { event: string; [field: string]: unknown }, text: string): void => {
    output.record(record);
    log.info(record, text);
  };
  return { ...connectionEvents(output, onChange), ...sessionEvents(tell), ...linkEvents(tell) };
}

type Tell = (record: { event: string; [field: string]: unknown }, text: string) => void;

function connectionEvents(output: Output, onChange: () => void): Pick<Observer, "connected" | "disconnected"> {
  let ready = false;
  return {
    connected({ tenant, epoch, provider }, gateway) {
      const record = { event: ready ? "connected" : "ready", tenant, epoch, provider, gateway };
      if (ready) output.record(record);
      else output.result(record, plain`Tenant ${tenant} is connected to ${provider}.`);
      ready = true;
      onChange();
    },
    disconnected({ code, message }, gateway, retryInMs) {
      output.record({ event: "disconnected", code, message, gateway, retryInMs });
      onChange();
    },
  };
}

const about = ({ sessionId, operator, target }: { sessionId: string; operator: string; target: string }) => ({
  session: sessionId,
  operator,
  target,
});

function sessionEvents(tell: Tell): Omit<Observer, "connected" | "disconnected" | "linkOpened" | "linkClosed"> {
  return {
    sessionOffered: () => {}, // what follows at once says more
    sessionPending: (offer, because, withinMs) => {
      const { sessionId, operator, target, reason } = offer;
      const why = reason === "" ? "" : ` (${reason})`;
      tell(
        { event: "consent-asked", ...about(offer), because, withinSeconds: Math.round(withinMs / 1000) },
        `${operator} asks for ${target}${why}: drawbridge tenant approve ${sessionId}, or refuse, within ${formatDuration(withinMs)}`,
      );
    },
    sessionOpened: (offer, { consent, plain: isPlain }) => {
      const why = offer.reason === "" ? "" : ` (${offer.reason})`;
      const { reason, ticket } = offer;
      tell(
        { event: "session-opened", ...about(offer), reason, ticket, consent, plain: isPlain },
        `${offer.operator} opened session ${offer.sessionId} to ${offer.target}${why}${isPlain ? ", with plain links" : ""}`,
      );
    },
    sessionRefused: (offer, { code, message }, by) =>
      tell({ event: "session-refused", ...about(offer), by, code, message }, `refused ${offer.operator}: ${message}`),
    sessionWithdrawn: (offer, { code, message }) =>
      tell(
        { event: "session-withdrawn", ...about(offer), code, message },
        `the request ${offer.sessionId} of ${offer.operator} is withdrawn: ${message}`,
      ),
    sessionEnded: (offer, { code, message }, totals) =>
      tell(
        { event: "session-ended", ...about(offer), code, message, ...totals },
        `session ${offer.sessionId} ended: ${message}`,
      ),
  };
}

function linkEvents(tell: Tell): Pick<Observer, "linkOpened" | "linkClosed"> {
  return {
    linkOpened: (offer, link, isPlain) => {
      const how = isPlain ? "open, without end-to-end encryption" : "open";
      tell(
        { event: "link-opened", ...about(offer), link, plain: isPlain },
        `link ${link} of ${offer.sessionId} is ${how}`,
      );
    },
    linkClosed: (offer, link, { outcome, reason, toTarget, fromTarget }) => {
      const { code, message } = reason;
      const record = { event: "link-closed", ...about(offer), link, outcome, code, message };
      tell({ ...record, toTarget, toRemote: fromTarget }, `link ${link} of ${offer.sessionId} is over: ${message}`);
    },
  };
}

/** `drawbridge tenant reload`. */
export function reloadCommand() {
  return commandNamed(
    "reload",
    "make `tenant run` read policy.yaml and the targets again; says what is wrong with them",
  ).action((options) =>
    runCommand(options, async ({ output, signal, home }) => {
      const request = { call: "reload", by: accountName() } as const;
      const { sessionsEnded, requestsRefused } = await askLocal(home("tenant"), request, "applied", signal);
      output.result(
        { event: "policy-reloaded", sessionsEnded, requestsRefused },
        `Policy and targets are in force; ${counted(sessionsEnded, "session")} ended, ${counted(requestsRefused, "request")} refused.`,
      );
    }),
  );
}
