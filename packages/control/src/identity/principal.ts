import { DrawbridgeError } from "@drawbridge/dataplane";

/** The two kinds of principal that are enrolled. The cloud redirector itself is not a principal. */
export type PrincipalKind = "tenant" | "operator";

/** Who a certificate speaks for. */
export interface Principal {
  readonly kind: PrincipalKind;
  /** Unique among the provider's principals of this kind. */
  readonly name: string;
  /** The provider's name. */
  readonly provider: string;
}

/** The most characters of a principal's or provider's name. */
export const MAX_NAME_LENGTH = 64;

// The same pattern as in proto/drawbridge/v1/admin.proto.
const PRINCIPAL_NAME = /^[a-z0-9](?:[a-z0-9._@-]*[a-z0-9])?$/;
const PROVIDER_NAME = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;
const URI = /^drawbridge:\/\/([^/?#]+)\/(tenant|operator)\/([^/?#]+)$/;

/** Whether the text is one of the two kinds. */
export function isPrincipalKind(text: string): text is PrincipalKind {
  return text === "tenant" || text === "operator";
}

/**
 * Refuses a name that no tenant and no operator may have: lower-case letters, digits, `.`, `_`, `-` and `@`, with a
 * letter or digit at each end, at most 64 characters.
 * @throws DrawbridgeError `invalid-argument`; the text proposes the right name where only the case is wrong.
 */
export function validatePrincipalName(name: string): void {
  validate("name", name, PRINCIPAL_NAME, "'.', '_', '-' and '@'");
}

/**
 * Refuses a name that no provider may have: as for principals, but without `@`, since it is an address's host part in
 * principal URIs.
 * @throws DrawbridgeError `invalid-argument`; the text proposes the right name where only the case is wrong.
 */
export function validateProviderName(name: string): void {
  validate("provider name", name, PROVIDER_NAME, "'.', '_' and '-'");
}

/**
 * Refuses a name that no group of tenants may have: as for providers.
 * @throws DrawbridgeError `invalid-argument`; the text proposes the right name where only the case is wrong.
 */
export function validateGroupName(name: string): void {
  validate("group name", name, PROVIDER_NAME, "'.', '_' and '-'");
}

function validate(what: string, name: string, pattern: RegExp, marks: string): void {
  if (name.length <= MAX_NAME_LENGTH && pattern.test(name)) return;
  const rule = `Use lower-case letters, digits, ${marks}; first and last a letter or digit; at most ${MAX_NAME_LENGTH}.`;
  const lower = name.toLowerCase();
  if (lower.length <= MAX_NAME_LENGTH && pattern.test(lower)) {
    const message = `the ${what} ${JSON.stringify(name)} has capital letters`;
    throw new DrawbridgeError("invalid-argument", message, { remedy: `Use ${JSON.stringify(lower)}.` });
  }
  throw new DrawbridgeError("invalid-argument", nameProblem(what, name, pattern), { remedy: rule });
}

function nameProblem(what: string, name: string, pattern: RegExp): string {
  if (name === "") return `the ${what} is empty`;
  if (name.length > MAX_NAME_LENGTH) return `the ${what} has ${name.length} characters, more than ${MAX_NAME_LENGTH}`;
  const quoted = `the ${what} ${JSON.stringify(name)}`;
  // Tried between two letters, so that only the alphabet is at issue and not the rule about the ends.
  const stranger = Array.from(name).find((character) => !pattern.test(`a${character}a`) && !/[A-Z]/.test(character));
  if (stranger === undefined) return `${quoted} does not begin and end with a letter or a digit`;
  return `${quoted} has the character ${JSON.stringify(stranger)}`;
}

/**
 * The principal's URI as it stands in its certificate: `drawbridge://PROVIDER/tenant/NAME` or
 * `drawbridge://PROVIDER/operator/NAME`, percent-encoded (RFC 3986 section 2.1) outside of letters, digits and
 * `-` `.` `_`, so `@` becomes `%40`.
 */
export function principalUri(principal: Principal): string {
  const name = encodeURIComponent(principal.name);
  return `drawbridge://${encodeURIComponent(principal.provider)}/${principal.kind}/${name}`;
}

/** The URI of the provider's cloud redirector, which its server certificate bears: `drawbridge://PROVIDER/cloud`. */
export function cloudUri(provider: string): string {
  return `drawbridge://${encodeURIComponent(provider)}/cloud`;
}

/**
 * The principal that a URI names. Only the one spelling that {@link principalUri} makes is accepted, so that a
 * principal has exactly one URI.
 * @throws DrawbridgeError `certificate-invalid`.
 */
export function parsePrincipalUri(uri: string): Principal {
  const [, provider, kind, name] = URI.exec(uri) ?? [];
  if (provider === undefined || name === undefined || kind === undefined || !isPrincipalKind(kind)) throw notOurs(uri);
  const principal: Principal = { kind, name: decode(name, uri), provider: decode(provider, uri) };
  if (!isName(principal.name, PRINCIPAL_NAME) || !isName(principal.provider, PROVIDER_NAME)) throw notOurs(uri);
  if (principalUri(principal) !== uri) throw notOurs(uri);
  return principal;
}

function isName(name: string, pattern: RegExp): boolean {
  return name.length <= MAX_NAME_LENGTH && pattern.test(name);
}

function decode(part: string, uri: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw notOurs(uri, cause);
  }
}

function notOurs(uri: string, cause?: unknown): DrawbridgeError {
  const shown = JSON.stringify(uri.length > 200 ? `${uri.slice(0, 200)}…` : uri);
  return new DrawbridgeError("certificate-invalid", `${shown} is not the URI of a tenant or an operator`, { cause });
}
