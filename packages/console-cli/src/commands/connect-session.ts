import { isatty } from "node:tty";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import type { ListenAddresses, RemoteSessionEnd, SessionRequest } from "@drawbridge/control/remote";
import { KnownTenants, RemoteRedirector } from "@drawbridge/control/remote";
import type { RpcChannel } from "@drawbridge/control/rpc";
import type { Tracer } from "@drawbridge/control/watching";
import type { Address, Gateways } from "@drawbridge/dataplane";
import { closeReasonFrom } from "@drawbridge/dataplane";
import type { ClientTarget, FoundClient } from "../clients/index.ts";
import { customCommand, startClient } from "../clients/index.ts";
import { runProgram } from "../console/run-program.ts";
import type { CommandContext } from "../run-command.ts";
import { untilAborted } from "../until-aborted.ts";
import { checkBeforeClient, type LookOutcome } from "./check-before-client.ts";
import { ConnectLog } from "./connect-log.ts";
import { ConnectView } from "./connect-view.ts";

/** What is done with a session once it is open. */
export type SessionUse =
  /** Its address is told, and that is all. */
  | { readonly kind: "listen" }
  | {
      readonly kind: "client";
      readonly client: FoundClient;
      /** Whether the operator named the client: then it is started whatever answers. */
      readonly isNamed: boolean;
      readonly target: Omit<ClientTarget, "address">;
      /** Whether to look first whether the target answers. */
      readonly check: boolean;
      readonly signThumbprint: string | undefined;
    }
  /** A program of the operator's, with the address filled in. */
  | { readonly kind: "program"; readonly file: string; readonly words: readonly string[]; readonly user?: string };

/** What a session of `connect` is made of. */
export interface ConnectSessionOptions {
  readonly context: CommandContext;
  readonly channel: RpcChannel;
  readonly identity: () => EnrolledIdentity;
  readonly gateways: Gateways;
  readonly tracer: Tracer;
  readonly request: Omit<SessionRequest, "plainNonce">;
  readonly listen: ListenAddresses;
  readonly allowOtherUsers: boolean;
  readonly plain: boolean;
  readonly verbose: boolean;
  readonly use: SessionUse;
}

/** How a session ended, and with which exit code the operator's own program did. */
export interface ConnectSessionEnd extends RemoteSessionEnd {
  readonly exitCode?: number;
}

/** The clients that ask for a password on our terminal, where they were given none. */
const ASKS_HERE: ReadonlySet<string> = new Set(["xfreerdp", "custom"]);

/** More than RDP servers send before a password is needed, and less than the first picture of a desktop. */
const LOGON_BYTES = 16 * 1024;

const DONE = { code: "closed", message: "the operator ended the session" } as const;

/** One session of `connect`: to one target, with what uses it. */
export class ConnectSession {
  readonly #options: ConnectSessionOptions;
  readonly #view: ConnectView;
  readonly #log: ConnectLog;
  readonly #remote: RemoteRedirector;
  #address: Address | undefined;
  /** Who may be asking something on our terminal. */
  #prompter: "program" | "client" | undefined;

  constructor(options: ConnectSessionOptions) {
    const { context, channel, identity, gateways, tracer, request, listen, allowOtherUsers, plain } = options;
    const { tenant, target } = request;
    const { output, home } = context;
    this.#options = options;
    const outputIsTaken = options.use.kind === "program";
    this.#view = new ConnectView({ output, tenant, target, plainAsked: plain, outputIsTaken });
    this.#log = new ConnectLog(context.log, tenant, target);
    const known = new KnownTenants(home("operator"), identity().provider);
    this.#remote = new RemoteRedirector({
      identity,
      channel,
      gateways,
      request,
      ...listen,
      allowOtherUsers,
      plain,
      observer: this.#log.around(this.#view.observer),
      tracer,
      trustTenantKey: (name, keyFingerprint) => known.trust(name, keyFingerprint),
    });
  }

  /** Whether something here ends the session: not where it only listens. */
  get endsByItself(): boolean {
    return this.#options.use.kind !== "listen";
  }

  /** Asks for the session and listens. Errors: every refusal of broker and tenant; `address-in-use`; `cancelled`. */
  async open(): Promise<void> {
    this.#view.asking();
    this.#log.asking();
    try {
      this.#address = await this.#remote.start(this.#options.context.signal);
    } catch (error) {
      this.#log.refused(closeReasonFrom(error));
      throw error;
    }
    this.#view.listening(this.#address);
  }

  /** Brings what is shown up to date. Returns the status line's part. */
  tick(roundTripMs: number | undefined): string {
    this.#view.tick(this.#remote, roundTripMs);
    return this.#view.status(this.#remote);
  }

  /**
   * Whether something else writes to our terminal now, so that a status line would wipe out what it asks: a program of
   * the operator's, or an RDP client until the desktop comes. Nothing tells when a password was typed.
   */
  get isPrompting(): boolean {
    if (this.#prompter === "client" && this.#remote.counts().toRemote >= LOGON_BYTES) this.#prompter = undefined;
    return this.#prompter !== undefined;
  }

  /**
   * Runs what uses the session, until that, the operator (`over`) or the other side ends it.
   *
   * Errors: `target-unreachable` where the target is dead; `internal` where a program cannot be started.
   */
  async run(over: AbortSignal): Promise<ConnectSessionEnd> {
    const remote = this.#remote;
    const ended = new AbortController();
    void remote.closed.then(() => ended.abort());
    const until = AbortSignal.any([over, ended.signal]);
    let exitCode: number | undefined;
    try {
      exitCode = await this.#use(until);
      await remote.stop(DONE);
    } catch (error) {
      await remote.stop(closeReasonFrom(error));
      this.#over(await remote.closed);
      throw error;
    } finally {
      ended.abort();
    }
    const end = await remote.closed;
    this.#over(end);
    return { ...end, ...(exitCode !== undefined && { exitCode }) };
  }

  /** Ends the session, whatever uses it. Resolves when all is closed. */
  async stop(): Promise<void> {
    await this.#remote.stop(DONE);
    if (this.#address !== undefined) this.#over(await this.#remote.closed);
  }

  #over(end: RemoteSessionEnd): void {
    this.#options.context.output.status.clear();
    this.#view.ended(end);
    this.#log.ended(end);
  }

  async #use(until: AbortSignal): Promise<number | undefined> {
    const { use, context } = this.#options;
    const address = this.#address;
    if (address === undefined) return undefined;
    if (use.kind === "listen") return untilAborted(until).then(() => undefined);
    if (use.kind === "client") return this.#useClient(use, address, until);
    const { file, words, user } = use;
    const { args } = customCommand(file, words, { address, extraArgs: [], ...(user !== undefined && { user }) });
    context.leaveInterrupts();
    context.output.status.clear();
    this.#prompter = "program";
    return runProgram(file, args, until);
  }

  async #useClient(
    use: Extract<SessionUse, { kind: "client" }>,
    address: Address,
    until: AbortSignal,
  ): Promise<undefined> {
    const { output } = this.#options.context;
    const look = await this.#look(use);
    if (look.kind === "over") return undefined;
    if (!look.isRdp && !use.isNamed) {
      output.note(`drawbridge: no RDP client is started; --client names one to start all the same.`);
      await untilAborted(until);
      return undefined;
    }
    if (ASKS_HERE.has(use.client.name) && isatty(0) && !output.json) {
      output.status.clear();
      output.note(`drawbridge: starting ${use.client.name}; if it needs a password, it asks here.`);
      this.#prompter = "client";
    } else output.status.update(`starting ${use.client.name} …`);
    const title = `${this.#options.request.tenant}/${this.#options.request.target}`;
    // On plain links the certificate may be anybody's between here and the target: the client then goes by its own rules.
    const certificate = this.#options.plain ? undefined : look.certificate;
    const target = { title, ...use.target, address, certificate };
    const { command, exited, tidy } = await startClient(use.client, target, {
      signal: until,
      signThumbprint: use.signThumbprint,
    });
    for (const note of command.notes) output.note(note);
    if (!command.endsWithItself) output.note(`${use.client.name} runs on its own: end the session with Ctrl-C.`);
    if (command.endsWithItself) await exited;
    else await untilAborted(until);
    await tidy();
    if (!command.endsWithItself) output.note(`A window of ${use.client.name} may still be open: close it there.`);
    return undefined;
  }

  async #look({ check, client }: Extract<SessionUse, { kind: "client" }>): Promise<LookOutcome> {
    // A client of the operator's own may speak anything.
    if (!check || client.name === "custom") return { kind: "go-on", isRdp: true, certificate: undefined };
    const { tenant, target } = this.#options.request;
    return checkBeforeClient(this.#options.context, this.#remote, { tenant, target, verbose: this.#options.verbose });
  }
}
