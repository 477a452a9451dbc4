import type { EnrolledIdentity } from "@drawbridge/control/identity";
import type { TenantHome } from "@drawbridge/control/tenant";
import { Gateways } from "@drawbridge/dataplane";
import type { NetworkChoice } from "../network-options.ts";
import type { CommandContext } from "../run-command.ts";
import { BEGINNING, type Examination, type Ground } from "./examination.ts";
import { examineGateway } from "./examine-gateway.ts";
import { certificateStep } from "./steps/certificate-step.ts";
import { clientStep } from "./steps/client-step.ts";
import { controlStep, lockStep } from "./steps/control-step.ts";
import { gatewaysStep } from "./steps/gateways-step.ts";
import type { Called } from "./steps/grpc-step.ts";
import { networkStep } from "./steps/network-step.ts";
import { operatorHomeStep, tenantHomeStep } from "./steps/home-steps.ts";
import { policyStep } from "./steps/policy-step.ts";
import { isRdpTarget, rdpStep } from "./steps/rdp-step.ts";
import { registryStep } from "./steps/registry-step.ts";
import { targetStep } from "./steps/target-step.ts";
import { waysOut, type WaysOut } from "./ways-out.ts";

/** What the command was given. */
export interface DoctorContext {
  readonly command: CommandContext;
  readonly choice: NetworkChoice;
}

/** Looks at an operator's home and its way to the provider. */
export async function examineOperator(examination: Examination, path: string, context: DoctorContext): Promise<void> {
  using resources = new DisposableStack();
  const home = await examination.run(operatorHomeStep(path), BEGINNING);
  if (home.state === "stopped") return;
  const called = await examineWay(examination, home.value.identity, context, resources);
  await examination.run(registryStep(), called);
  await examination.run(clientStep(), BEGINNING);
}

/** Looks at a tenant's home, its way to the provider, and its targets. */
export async function examineTenant(examination: Examination, path: string, context: DoctorContext): Promise<void> {
  using resources = new DisposableStack();
  const home = await examination.run(tenantHomeStep(path), BEGINNING);
  if (home.state === "stopped") return;
  const { identity, targets } = home.value;
  await examineWay(examination, identity, context, resources);
  await examination.run(controlStep(path), BEGINNING);
  await examination.run(policyStep(path, targets), BEGINNING);
  await examination.run(lockStep(path), BEGINNING);
  await examineTargets(examination, targets);
}

async function examineTargets(examination: Examination, targets: TenantHome["targets"]): Promise<void> {
  for (const [name, address] of targets) {
    const dialled = await examination.run(targetStep(name, address), BEGINNING);
    if (isRdpTarget(name, address)) await examination.run(rdpStep(name, address), dialled);
  }
}

/** The certificate, and every gateway. Returns where the first gateway that takes calls stands. */
async function examineWay(
  examination: Examination,
  identity: EnrolledIdentity,
  { command, choice }: DoctorContext,
  resources: DisposableStack,
): Promise<Ground<Called>> {
  const now = (): number => Date.now();
  await examination.run(certificateStep(identity, now), BEGINNING);
  const { certificateAuthorities, kind } = identity;
  const open = (): Promise<WaysOut> => waysOut(command, kind, choice, certificateAuthorities);
  const ways = await examination.run(networkStep(open), BEGINNING);
  if (ways.state === "stopped") return ways;
  const { reserve = [], addresses } = identity;
  const places = await examination.run(gatewaysStep(new Gateways(addresses, undefined, { reserve })), BEGINNING);
  if (places.state === "stopped") return places;
  const trust = { provider: identity.provider, certificateAuthorities, now };
  let best: Ground<Called> | undefined;
  for (const place of places.value) {
    const subject = places.value.length > 1 ? place : undefined;
    const gateway = { place, subject, reach: ways.value.chosen.reach, trust, resources };
    const called = await examineGateway(examination, gateway, identity, ways.value);
    if (best === undefined || best.state === "stopped") best = called;
  }
  return best ?? { state: "stopped", by: "gateways" };
}
