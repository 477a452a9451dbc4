import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { parseAddress, type Reach } from "@drawbridge/dataplane";
import { BEGINNING, type Examination, type Ground } from "./examination.ts";
import { clockStep } from "./steps/clock-step.ts";
import { dnsStep } from "./steps/dns-step.ts";
import { type Called, grpcStep } from "./steps/grpc-step.ts";
import { legStep } from "./steps/leg-step.ts";
import { proxyStep } from "./steps/proxy-step.ts";
import { tcpStep } from "./steps/tcp-step.ts";
import { type ServerTrust, tlsStep } from "./steps/tls-step.ts";
import type { WaysOut } from "./ways-out.ts";

/** A gateway, or a cloud redirector, that is to be looked at. */
export interface GatewayToExamine {
  /** `host:port`. */
  readonly place: string;
  /** What it is called where there are several. */
  readonly subject: string | undefined;
  readonly reach: Reach;
  readonly trust: ServerTrust;
  /** Takes what is to be closed in the end. */
  readonly resources: DisposableStack;
}

/** From the name of a gateway to TLS with what is behind it. */
export async function examineAddress(examination: Examination, gateway: GatewayToExamine): Promise<Ground<void>> {
  const { place, subject, reach, trust, resources } = gateway;
  const address = parseAddress(place);
  const isDialledHere = reach.proxyFor(address) === undefined;
  const named = await examination.run(dnsStep(address, subject, isDialledHere), BEGINNING);
  const proxied = await examination.run(
    proxyStep(reach, address, subject),
    named.state === "passed" ? BEGINNING : named,
  );
  const keep = (socket: { destroy(): unknown }): void => resources.defer(() => void socket.destroy());
  const dialled = await examination.run(tcpStep(reach, address, subject, keep), proxied);
  return examination.run(tlsStep(trust, subject), dialled);
}

/** All of a gateway, with the calls and legs of an enrolled principal. */
export async function examineGateway(
  examination: Examination,
  gateway: GatewayToExamine,
  identity: EnrolledIdentity,
  { legs }: WaysOut,
): Promise<Ground<Called>> {
  const { place, subject, reach, resources } = gateway;
  const secured = await examineAddress(examination, gateway);
  const keep = (channel: { close(): void }): void => resources.defer(() => channel.close());
  const called = await examination.run(grpcStep(identity, reach, place, subject, keep), secured);
  await examination.run(clockStep(subject), called);
  await examination.run(legStep(legs, place, subject), called);
  return called;
}
