import { validatePrincipalName } from "@drawbridge/control/identity";
import { canonicalTarget } from "@drawbridge/control/wire";
import { type Address, DrawbridgeError, formatAddress, parseAddress } from "@drawbridge/dataplane";

/** A local port that leads to a target. */
export interface ForwardRule {
  /** Loopback; the port is never 0, because it is to stay the same. */
  readonly listen: Address;
  readonly tenant: string;
  readonly target: string;
}

/** More than an operator has sessions. */
const MAX_RULES = 64;
const EXAMPLE = "Write for example 127.0.0.1:13389=acme/rdp.";

/**
 * Reads `127.0.0.1:13389=acme/rdp`; without the target it is `rdp`, and a free one is `host:port`.
 *
 * @throws DrawbridgeError `invalid-argument`
 */
export function parseForward(text: string): ForwardRule {
  const [, listen = "", tenant = "", target = "rdp"] = /^([^=]+)=([^/]+)(?:\/(.+))?$/.exec(text.trim()) ?? [];
  if (listen === "") throw wrong(`"${text.slice(0, 120)}" is no forward`);
  const address = parseAddress(listen);
  if (address.port === 0) throw wrong(`${listen} cannot stay the same: port 0 lets the system choose`);
  validatePrincipalName(tenant);
  return { listen: address, tenant, target: canonicalTarget(target) };
}

/**
 * Reads a file's rules: YAML or JSON, a list of texts as {@link parseForward} takes them, alone or below `forwards`.
 *
 * @throws DrawbridgeError `invalid-argument`, naming the file
 */
export async function parseForwardFile(text: string, path: string): Promise<ForwardRule[]> {
  // Loaded here, because no other command needs it.
  const { parse } = await import("yaml");
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw wrong(`${path} is neither YAML nor JSON`, cause);
  }
  const list: unknown = isObject(value) && !Array.isArray(value) ? value["forwards"] : value;
  if (!Array.isArray(list) || !list.every((each) => typeof each === "string")) {
    throw wrong(`${path} holds no list of forwards`);
  }
  return list.map((each) => parseForward(each));
}

/** @throws DrawbridgeError `invalid-argument` for no rule at all, too many, or two with one address */
export function checkForwards(rules: readonly ForwardRule[]): readonly ForwardRule[] {
  if (rules.length === 0) throw wrong("there is nothing to forward");
  if (rules.length > MAX_RULES) throw wrong(`${rules.length} forwards are more than ${MAX_RULES}`);
  const seen = new Set<string>();
  for (const { listen } of rules) {
    const address = formatAddress(listen);
    if (seen.has(address)) throw wrong(`${address} is used twice`);
    seen.add(address);
  }
  return rules;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const wrong = (message: string, cause?: unknown): DrawbridgeError =>
  new DrawbridgeError("invalid-argument", message, { remedy: EXAMPLE, cause });
