import { dial, DrawbridgeError, type Address } from "@drawbridge/dataplane";
import { describeBytes } from "../../rdp/describe-bytes.ts";
import { isRdpName } from "../../rdp/is-rdp-name.ts";
import { certificateRecord } from "../../rdp/server-certificate.ts";
import { describeSecurity, type RdpSecurity, surveyRdp } from "../../rdp/survey-rdp.ts";
import type { Finding, Step } from "../step.ts";

const RDP_PORT = 3389;

/** Whether a target is meant to be an RDP server: by its name (`rdp`, `rdp-2`) or its port. */
export const isRdpTarget = (name: string, { port }: Address): boolean => port === RDP_PORT || isRdpName(name);

/** Asks a target which security it offers, as an RDP server. */
export function rdpStep(name: string, address: Address): Step<void, void> {
  return {
    id: "rdp",
    title: "RDP",
    subject: name,
    timeoutMs: 15_000,
    async check(_input, signal) {
      const survey = await surveyRdp((limit) => dial(address, { isTarget: true, signal: limit }), signal);
      if (survey.kind === "rdp") return finding(survey);
      const what =
        survey.kind === "closed" ? "it closes the connection at once" : `it is ${describeBytes(survey.seen)}`;
      throw new DrawbridgeError("protocol-violation", `what answers there is no RDP server: ${what}`, {
        remedy: `Check the address of target ${name} in settings.json, and that the RDP server runs there.`,
      });
    },
  };
}

function finding(security: RdpSecurity): Finding<void> {
  const { offers, nlaRequired, certificate } = security;
  const details = { offers, nlaRequired, ...(certificate && { certificate: certificateRecord(certificate) }) };
  const proof =
    certificate === undefined
      ? "it shows no certificate"
      : `certificate of "${certificate.name}", SHA-256 ${certificate.fingerprint}`;
  const text = `${describeSecurity(security)}; ${proof}`;
  if (offers.some((protocol) => protocol !== "rdp")) return { outcome: "ok", text, details, value: undefined };
  const remedy = "Newer clients refuse a server without TLS: let it offer TLS or NLA.";
  return { outcome: "warning", text, remedy, details, value: undefined };
}
