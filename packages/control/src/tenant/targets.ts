import type { Address } from "@drawbridge/dataplane";
import { DrawbridgeError, formatAddress, parseAddress, refuseForbiddenTarget } from "@drawbridge/dataplane";
import type { ServedTarget, Target } from "./open-target.ts";

/** The targets of a tenant's home by their names. */
export type TenantTargets = ReadonlyMap<string, Address>;

/** The targets of a tenant redirector by their names, those included that a program gives. */
export type AnyTargets = ReadonlyMap<string, Target>;

/** The target of a tenant that named none: the machine's own RDP server. */
export const DEFAULT_TARGET = "rdp=127.0.0.1:3389";

const NAME = /^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/;
const MAX_TARGETS = 64;

/**
 * Reads targets as the command line and the settings write them: `name=host:port`.
 *
 * Errors: `invalid-argument` for a text that is none, a name used twice, or too many; `permission-denied` for an address
 * that no target may have.
 */
export function parseTargets(texts: readonly string[]): TenantTargets {
  const targets = new Map<string, Address>();
  for (const text of texts) {
    const equals = text.indexOf("=");
    const name = text.slice(0, Math.max(equals, 0));
    if (equals < 0 || !NAME.test(name)) throw invalid(text, "it is not of the form NAME=HOST:PORT");
    if (targets.has(name)) throw invalid(text, `the name ${name} is used twice`);
    const address = parseAddress(text.slice(equals + 1));
    if (address.port === 0) throw invalid(text, "port 0 cannot be dialled");
    refuseForbiddenTarget(address.host);
    targets.set(name, address);
  }
  refuseTooMany(targets);
  return targets;
}

/**
 * The targets that a program gives, each an address or what serves it, besides others; of two with one name the program's
 * counts.
 *
 * Errors: as {@link parseTargets}.
 */
export function withTargets(
  others: TenantTargets,
  given: Readonly<Record<string, string | ServedTarget["serve"]>>,
): AnyTargets {
  const targets = new Map<string, Target>(others);
  for (const [name, place] of Object.entries(given)) {
    // A name is checked together with an address, whatever it stands for.
    const [[, address] = []] = parseTargets([`${name}=${typeof place === "string" ? place : "localhost:1"}`]);
    if (address !== undefined) targets.set(name, typeof place === "string" ? address : { serve: place });
  }
  refuseTooMany(targets);
  return targets;
}

/** Targets as they are announced and stored; the address of one that a program serves is empty. */
export function formatTargets(targets: AnyTargets): { name: string; address: string }[] {
  return [...targets].map(([name, address]) => ({ name, address: "serve" in address ? "" : formatAddress(address) }));
}

/** The names of the targets that another set of them does not have, or has elsewhere. */
export function namesGone(before: AnyTargets, now: AnyTargets): ReadonlySet<string> {
  return new Set([...before].filter(([name, target]) => !isSame(target, now.get(name))).map(([name]) => name));
}

/** Whether two sets have the same names, and these lead to the same places. */
export function areSameTargets(one: AnyTargets, other: AnyTargets): boolean {
  return one.size === other.size && namesGone(one, other).size === 0;
}

function isSame(one: Target, other: Target | undefined): boolean {
  if (other === undefined) return false;
  if ("serve" in one || "serve" in other) return "serve" in one && "serve" in other && one.serve === other.serve;
  return formatAddress(one) === formatAddress(other);
}

function refuseTooMany({ size }: AnyTargets): void {
  if (size <= MAX_TARGETS) return;
  throw new DrawbridgeError("limit-exceeded", `a tenant has at most ${MAX_TARGETS} targets`);
}

function invalid(text: string, why: string): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", `"${text.slice(0, 300)}" is no target: ${why}`, {
    remedy: "Write for example rdp=127.0.0.1:3389; names have lower-case letters, digits and . _ -",
  });
}
