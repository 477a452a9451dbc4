import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import { conclude } from "../doctor/conclusion.ts";
import { DoctorView } from "../doctor/doctor-view.ts";
import { examineCloud } from "../doctor/examine-cloud.ts";
import { type DoctorContext, examineOperator, examineTenant } from "../doctor/examine-enrolled.ts";
import { Examination } from "../doctor/examination.ts";
import type { StepResult } from "../doctor/step.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { HomeRole } from "../home.ts";
import {
  legTransportOption,
  networkChoice,
  noProxyOption,
  proxyOption,
  proxyPasswordOption,
} from "../network-options.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";

const ROLES = ["cloud", "tenant", "operator"] as const satisfies readonly HomeRole[];

const EXAMINE: Readonly<
  Record<HomeRole, (examination: Examination, path: string, context: DoctorContext) => Promise<void>>
> = {
  cloud: examineCloud,
  tenant: examineTenant,
  operator: examineOperator,
};

/** `drawbridge doctor`: looks for what is wrong, step by step. */
export function doctorCommand() {
  return commandNamed("doctor", "find out what is wrong between this machine and the provider, or its targets")
    .addOption(new Option("--role <role>", "look at this role only (default: all that the home holds)").choices(ROLES))
    .addOption(proxyOption())
    .addOption(noProxyOption())
    .addOption(proxyPasswordOption())
    .addOption(legTransportOption())
    .action((options) =>
      runCommand(options, (command) =>
        doctor({ command, choice: networkChoice(options) }, options.role, options.verbose === true),
      ),
    );
}

async function doctor(context: DoctorContext, only: HomeRole | undefined, verbose: boolean): Promise<ExitCode> {
  const { output, signal, home } = context.command;
  const view = new DoctorView(output, verbose);
  const roles = new Map<StepResult, HomeRole>();
  for (const role of await rolesToExamine(home, only)) {
    view.role(role, home(role));
    const examination = new Examination({
      signal,
      onBegin: (step) => view.begin(step),
      onResult: (result) => view.result(role, result),
    });
    await EXAMINE[role](examination, home(role), context);
    for (const result of examination.results) roles.set(result, role);
  }
  const conclusion = conclude([...roles.keys()]);
  view.conclusion(conclusion, conclusion.first && roles.get(conclusion.first));
  return conclusion.exitCode;
}

async function rolesToExamine(home: CommandContext["home"], only: HomeRole | undefined): Promise<readonly HomeRole[]> {
  if (only !== undefined) return [only];
  const there = await Promise.all(ROLES.map((role) => isThere(home(role))));
  const roles = ROLES.filter((_role, index) => there[index]);
  if (roles.length > 0) return roles;
  throw new DrawbridgeError("home-missing", `no role has files in ${dirname(home("tenant"))}`, {
    remedy: "Enrol first, or name the right home with --home.",
  });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
