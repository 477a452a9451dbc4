import { type ListenAddresses, stableListenAddresses } from "@drawbridge/control/remote";
import { canonicalTarget } from "@drawbridge/control/wire";
import type { Address } from "@drawbridge/dataplane";
import { DrawbridgeError, parseAddress } from "@drawbridge/dataplane";
import { detectClient, findExecutable, type FoundClient, isWsl, systemEnvironment } from "../clients/index.ts";
import type { ConsoleSettings } from "../console/console-settings.ts";
import { isRdpName } from "../rdp/is-rdp-name.ts";
import { type ClientOptions, clientTarget } from "./client-options.ts";
import type { SessionUse } from "./connect-session.ts";

/** What of `connect`'s command line decides on listening and clients. */
export interface ConnectPlanOptions extends ClientOptions {
  readonly target: readonly string[];
  readonly listen?: string | undefined;
  readonly client?: string | undefined;
  readonly check: boolean;
  readonly json?: true | undefined;
}

/** What `connect` will do, found out before anybody at the tenant is asked. */
export interface ConnectPlan {
  readonly targets: readonly string[];
  readonly useOf: (target: string) => SessionUse;
  readonly listenOf: (owner: { provider: string; tenant: string; target: string }) => ListenAddresses;
}

const DEFAULT_TARGET = "rdp";
const MAX_TARGETS = 16;

/**
 * Reads what is to be done.
 *
 * Errors: `invalid-argument` for what cannot go together, a client that is not there, or a program that is not found.
 *
 * @param words the operator's own program and its arguments; empty: an RDP client
 */
export async function planConnect(
  options: ConnectPlanOptions,
  words: readonly string[],
  settings: ConsoleSettings,
): Promise<ConnectPlan> {
  const targets = options.target.length === 0 ? [DEFAULT_TARGET] : [...new Set(options.target.map(canonicalTarget))];
  if (targets.length > MAX_TARGETS)
    throw wrong(`${targets.length} targets are too many for one command`, `Name at most ${MAX_TARGETS}.`);
  const given = options.listen === undefined ? undefined : parseAddress(options.listen);
  if (given !== undefined && given.port !== 0 && targets.length > 1) {
    throw wrong("several targets cannot listen on one port", "Leave --listen out, or give port 0.");
  }
  const user = options.user ?? settings.user;
  if (words.length > 0) {
    const program = await planProgram(options, words, targets, user);
    return { targets, useOf: () => program, listenOf: (owner) => listenOf(owner, given, false) };
  }
  const choice = options.client ?? settings.client ?? "auto";
  const wanted = targets.filter((target) => takesClient(target, targets, choice));
  // Looked for first: nobody at the tenant should be asked for a session that nothing can show.
  const client = wanted.length === 0 ? undefined : await detectClient(choice, systemEnvironment());
  // Windows reaches nothing but 127.0.0.1 inside WSL.
  const onlyLocalhost = client?.name === "mstsc" && isWsl(systemEnvironment());
  return {
    targets,
    useOf: (target) =>
      client === undefined || !wanted.includes(target)
        ? { kind: "listen" }
        : clientUse(client, choice, options, user, settings),
    listenOf: (owner) => listenOf(owner, given, onlyLocalhost),
  };
}

/**
 * Of several targets, only those that are RDP by their names get a client that nobody named. The port of a free target says
 * what it is even where it is the only one.
 */
const takesClient = (target: string, targets: readonly string[], choice: string): boolean =>
  choice !== "none" && (choice !== "auto" || (targets.length === 1 && !target.includes(":")) || isRdpName(target));

const clientUse = (
  client: FoundClient,
  choice: string,
  options: ConnectPlanOptions,
  user: string | undefined,
  settings: ConsoleSettings,
): SessionUse => ({
  kind: "client",
  client,
  isNamed: choice !== "auto",
  target: clientTarget(options, user),
  check: options.check,
  signThumbprint: settings.rdpSignThumbprint,
});

async function planProgram(
  options: ConnectPlanOptions,
  words: readonly string[],
  targets: readonly string[],
  user: string | undefined,
): Promise<SessionUse> {
  const [name = "", ...rest] = words;
  const remedy = "For example: drawbridge connect acme --target ssh -- ssh -p {port} user@{host}";
  if (targets.length > 1) throw wrong("a command runs on one target only", "Name one --target.");
  if (options.client !== undefined) throw wrong("a command takes the place of --client", "Leave one of the two out.");
  if (options.json) throw wrong("a command has standard output for itself", "Leave --json or the command out.");
  if (!rest.some((word) => /\{(host|port|address)\}/.test(word))) {
    throw wrong("the command says nowhere where the address goes", `Write {host}, {port} or {address}. ${remedy}`);
  }
  const file = await findExecutable([name], systemEnvironment());
  if (file === undefined) throw wrong(`the program ${name.slice(0, 80)} is not on this machine`, remedy);
  return { kind: "program", file, words: rest, ...(user !== undefined && { user }) };
}

function listenOf(
  owner: { provider: string; tenant: string; target: string },
  given: Address | undefined,
  onlyLocalhost: boolean,
): ListenAddresses {
  return given === undefined ? stableListenAddresses(owner, onlyLocalhost) : { listen: given, listenElse: [] };
}

const wrong = (message: string, remedy: string): DrawbridgeError =>
  new DrawbridgeError("invalid-argument", message, { remedy });
