import { Command } from "@commander-js/extra-typings";
import { formatFingerprint, loadIdentity } from "@drawbridge/control/identity";
import { Backoff } from "@drawbridge/control/rpc";
import type { OfferedSession, TenantSessionObserver, TenantWelcome } from "@drawbridge/control/tenant";
import {
  allowNamedTargets,
  DEFAULT_TARGET,
  formatTargets,
  openTenantHome,
  parseTargets,
  saveTargets,
  TenantRedirector,
} from "@drawbridge/control/tenant";
import type { Log } from "@drawbridge/control/wire";
import { systemWallClock } from "@drawbridge/control/wire";
import { closeReasonError } from "@drawbridge/dataplane";
import { collect, commandNamed } from "../common-options.ts";
import { enrollInto } from "../enroll.ts";
import type { Output } from "../rendering/index.ts";
import { plain } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge tenant …`: the customer's side. */
export function tenantCommand(): Command {
  return new Command("tenant")
    .description("the tenant redirector: enrol this machine, let the provider's operators reach its targets")
    .addCommand(enrollCommand())
    .addCommand(runTenantCommand())
    .addCommand(fingerprintCommand());
}

function enrollCommand() {
  return commandNamed("enroll", "enrol this machine with the provider's invite code")
    .argument("<code>", "the invite code; - reads it from standard input, where other users cannot see it")
    .option(
      "--target <name=host:port>",
      `what operators may reach; may be repeated (default: ${DEFAULT_TARGET})`,
      collect,
      [],
    )
    .option("--replace", "put the new identity in place of one that is there")
    .action((code, options) =>
      runCommand(options, async ({ output, signal, home }) => {
        const targets = parseTargets(options.target.length > 0 ? options.target : [DEFAULT_TARGET]);
        const path = home("tenant");
        const identity = await enrollInto(path, "tenant", code, options.replace ?? false, signal);
        await saveTargets(path, targets);
        const { name, provider, keyFingerprint } = identity;
        const fingerprint = formatFingerprint(Buffer.from(keyFingerprint, "hex"));
        const allowed = formatTargets(targets).map((target) => `${target.name} (${target.address})`);
        output.result(
          {
            event: "enrolled",
            kind: "tenant",
            name,
            provider,
            fingerprint,
            home: path,
            targets: formatTargets(targets),
          },
          plain`This machine is enrolled as tenant ${name} of ${provider}. Its key is ${fingerprint}.
Operators of ${provider} may reach: ${allowed.join(", ")}, and nothing else. Change that in ${path}/settings.json.
Next: drawbridge tenant run`,
        );
      }),
    );
}

function runTenantCommand() {
  return commandNamed("run", "hold the connection to the provider until Ctrl-C").action((options) =>
    runCommand(options, runTenant),
  );
}

async function runTenant({ output, log, signal, home }: CommandContext): Promise<void> {
  const tenantHome = await openTenantHome(home("tenant"));
  const tenant = new TenantRedirector({
    home: tenantHome,
    policy: allowNamedTargets(tenantHome.targets),
    observer: tenantObserver(output, log),
    log,
    clock: systemWallClock,
    backoff: new Backoff(),
  });
  const stop = (): void => void tenant.stop({ code: "closed", message: "the tenant redirector was stopped" });
  signal.addEventListener("abort", stop, { once: true });
  const reason = await tenant.run();
  if (!signal.aborted) throw closeReasonError(reason);
}

/** Writes what sessions do: JSON events on standard output, and the log. */
function tenantObserver(output: Output, log: Log): TenantSessionObserver & { connected(welcome: TenantWelcome): void } {
  let ready = false;
  const tell = (record: { event: string; [field: string]: unknown }, text: string): void => {
    output.record(record);
    log.info(record, text);
  };
  const about = ({ sessionId, operator, target }: OfferedSession) => ({ session: sessionId, operator, target });
  return {
    connected({ tenant, epoch, provider }) {
      const record = { event: ready ? "connected" : "ready", tenant, epoch, provider };
      if (ready) output.record(record);
      else output.result(record, plain`Tenant ${tenant} is connected to ${provider}.`);
      ready = true;
    },
    sessionOpened: (offer) => {
      const why = offer.reason === "" ? "" : ` (${offer.reason})`;
      const record = { event: "session-opened", ...about(offer), reason: offer.reason, ticket: offer.ticket };
      tell(record, `${offer.operator} opened session ${offer.sessionId} to ${offer.target}${why}`);
    },
    sessionRefused: (offer, { code, message }) =>
      tell({ event: "session-refused", ...about(offer), code, message }, `refused ${offer.operator}: ${message}`),
    sessionEnded: (offer, { code, message }) =>
      tell({ event: "session-ended", ...about(offer), code, message }, `session ${offer.sessionId} ended: ${message}`),
    linkOpened: (offer, link) =>
      tell({ event: "link-opened", ...about(offer), link }, `link ${link} of ${offer.sessionId} is open`),
    linkClosed: (offer, link, { outcome, reason, toTarget, fromTarget }) => {
      const { code, message } = reason;
      const record = { event: "link-closed", ...about(offer), link, outcome, code, message };
      tell({ ...record, toTarget, toRemote: fromTarget }, `link ${link} of ${offer.sessionId} is over: ${message}`);
    },
  };
}

function fingerprintCommand() {
  return commandNamed("fingerprint", "show this tenant's key, to compare with an operator over the telephone").action(
    (options) =>
      runCommand(options, async ({ output, home }) => {
        const { name, provider, keyFingerprint } = await loadIdentity(home("tenant"), "tenant");
        const fingerprint = formatFingerprint(Buffer.from(keyFingerprint, "hex"));
        output.result({ name, provider, fingerprint }, fingerprint);
      }),
  );
}
