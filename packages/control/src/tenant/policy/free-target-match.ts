import { isIP } from "node:net";
import type { Address } from "@drawbridge/dataplane";
import type { Networks, TargetAddress } from "./networks.ts";

/** Which free targets a rule is about. What is undefined means all. */
export interface FreeTargetMatch {
  /** Host names, or `*.` and what they end in; a target that is written as an IP address matches none. */
  names: readonly string[] | undefined;
  networks: Networks | undefined;
  /** First and last port of each range. */
  ports: readonly (readonly [first: number, last: number])[] | undefined;
}

/** Whether a rule is about a target; `perhaps` where that depends on addresses that are not known yet. */
export type FreeTargetAnswer = "yes" | "no" | "perhaps";

/**
 * Compares a free target with a rule. Pure.
 *
 * @param addresses where its host leads, at least one; undefined: nobody has looked yet.
 * @param denies whether the rule denies: then one address in its networks is enough. A rule that lets in is only about
 *   targets all of whose addresses it permits: which of them is dialled is chance.
 */
export function matchFreeTarget(
  { names, networks, ports }: FreeTargetMatch,
  { host, port }: Address,
  addresses: readonly TargetAddress[] | undefined,
  denies: boolean,
): FreeTargetAnswer {
  if (ports !== undefined && !ports.some(([first, last]) => port >= first && port <= last)) return "no";
  if (names !== undefined && !names.some((name) => isNamed(name, host))) return "no";
  if (networks === undefined) return denies ? "yes" : "no";
  if (addresses === undefined) return "perhaps";
  const matches = denies
    ? addresses.some(({ address }) => networks.names(address))
    : addresses.length > 0 && addresses.every((address) => networks.permits(address));
  return matches ? "yes" : "no";
}

/** Both in their canonical forms. */
function isNamed(pattern: string, host: string): boolean {
  if (isIP(host) !== 0) return false;
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length : host === pattern;
}
