import { formatFingerprint } from "../../identity/index.ts";
import type { ConsentRequest } from "../consent/consent-requests.ts";
import type { OpenSession } from "../open-session.ts";
import type { RequestView, SessionView } from "./local-protocol.ts";

/** A consent request, as people see it. */
export function requestView({ offer, plain, askedAt, leftMs }: ConsentRequest): RequestView {
  const { sessionId: id, operator, operatorRole: role, target, reason, ticket, sourceAddress } = offer;
  const operatorKey = formatFingerprint(Buffer.from(offer.operatorKeyFingerprint, "hex"));
  const asked = new Date(askedAt).toISOString();
  const what = { id, operator, role, target, reason, ticket, sourceAddress, operatorKey };
  const addresses = offer.place?.addresses.map(({ address }) => address);
  return { ...what, ...(addresses && { addresses }), plain, asked, leftMs: Math.round(leftMs) };
}

/** An open session, as people see it. */
export function sessionView({ offer, openedAt, consent, plain, links }: OpenSession): SessionView {
  const { sessionId: id, operator, target, reason, ticket, sourceAddress } = offer;
  const consentBy = consent.by === "policy" ? "policy" : consent.name;
  const opened = new Date(openedAt).toISOString();
  return { id, operator, target, reason, ticket, sourceAddress, opened, consentBy, plain, links: links.size };
}
