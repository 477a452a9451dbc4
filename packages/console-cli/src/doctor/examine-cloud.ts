import { publicAddresses } from "@drawbridge/control/cloud";
import { certificateToPem } from "@drawbridge/control/identity";
import { Gateways, Reach } from "@drawbridge/dataplane";
import { BEGINNING, type Examination } from "./examination.ts";
import { examineAddress } from "./examine-gateway.ts";
import { authorityStep, serverCertificateStep } from "./steps/cloud-certificates-step.ts";
import { cloudHomeStep, type ReadableCloudHome } from "./steps/cloud-home-step.ts";
import { diskStep } from "./steps/disk-step.ts";
import { gatewaysStep } from "./steps/gateways-step.ts";
import { listenStep } from "./steps/listen-step.ts";
import { storeStep } from "./steps/store-step.ts";

/** Looks at a cloud redirector's home, and dials its public addresses from here. */
export async function examineCloud(examination: Examination, path: string): Promise<void> {
  using resources = new DisposableStack();
  const now = (): number => Date.now();
  const home = await examination.run(cloudHomeStep(path), BEGINNING);
  await examination.run(diskStep(), home);
  await examination.run(authorityStep(now), home);
  await examination.run(serverCertificateStep(now), home);
  await examination.run(storeStep(), home);
  await examination.run(listenStep(), home);
  if (home.state === "passed") await examinePublic(examination, home.value, now, resources);
}

async function examinePublic(
  examination: Examination,
  { settings, authority, otherAuthorities }: ReadableCloudHome,
  now: () => number,
  resources: DisposableStack,
): Promise<void> {
  const reach = new Reach();
  const places = await examination.run(gatewaysStep(new Gateways(publicAddresses(settings), reach)), BEGINNING);
  if (places.state === "stopped") return;
  const certificateAuthorities = [certificateToPem(authority.certificateDer), ...otherAuthorities];
  const trust = { provider: authority.provider, certificateAuthorities, now };
  for (const place of places.value) {
    const subject = places.value.length > 1 ? place : undefined;
    await examineAddress(examination, { place, subject, reach, trust, resources });
  }
}
