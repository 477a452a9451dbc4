import type { OpenedSession, RemoteObserver, RemoteRedirector, RemoteSessionEnd } from "@drawbridge/control/remote";
import type { Address, CloseReason } from "@drawbridge/dataplane";
import { formatAddress } from "@drawbridge/dataplane";
import type { Output } from "../rendering/index.ts";
import { formatBytes, formatDuration, plain } from "../rendering/index.ts";

/** When the end of a session is told in advance: this many milliseconds before. */
const WARNINGS_MS = [300_000, 60_000];

/** What a view shows, and where. */
export interface ConnectViewOptions {
  readonly output: Output;
  readonly tenant: string;
  readonly target: string;
  /** Whether links without end-to-end encryption were asked for. */
  readonly plainAsked: boolean;
  /** Whether standard output belongs to a program that the operator runs on the session. */
  readonly outputIsTaken: boolean;
}

/** Shows a session: JSON events, or a status line and notes for people. */
export class ConnectView {
  readonly #options: ConnectViewOptions;
  readonly #output: Output;
  readonly #name: string;
  /** When the session opened; undefined before. */
  #startedAt: number | undefined;
  #pendingUntil: number | undefined;
  /** Whether a person was asked. */
  #wasAsked = false;
  #endsAt: number | undefined;
  #warningsLeft: number[] = [];
  #links = 0;
  #lastBytes = "";

  constructor(options: ConnectViewOptions) {
    this.#options = options;
    this.#output = options.output;
    this.#name = `${options.tenant}/${options.target}`;
  }

  /** What the remote redirector tells. */
  readonly observer: RemoteObserver = {
    pending: (withinMs, session) => {
      this.#pendingUntil = performance.now() + withinMs;
      this.#wasAsked = true;
      const { tenant, target } = this.#options;
      const withinSeconds = Math.round(withinMs / 1000);
      this.#output.record({ event: "pending", session, tenant, target, withinSeconds });
      this.#output.status.update(this.#waiting());
    },
    opened: (session, isPlain) => this.#opened(session, isPlain),
    linkOpened: (link, isPlain) => {
      this.#links += 1;
      this.#output.record({ event: "link-opened", target: this.#options.target, link, plain: isPlain });
    },
    linkClosed: ({ linkId, reason, toTenant, toRemote }) => {
      const { code, message, remedy = "" } = reason;
      const { target } = this.#options;
      this.#output.record({ event: "link-closed", target, link: linkId, code, message, toTenant, toRemote });
      if (code !== "closed" && !this.#output.json)
        this.#output.note(plain`drawbridge: a link ended: ${message}. ${remedy}`);
    },
    ending: (withinMs, reason) => this.#ending(withinMs, reason),
    clientRefused: ({ code, message, remedy }, count) => {
      this.#output.record({ event: "client-refused", target: this.#options.target, code, message, count });
      const more = count === 1 ? remedy : `${count} refused so far.`;
      if (!this.#output.json) this.#output.note(plain`drawbridge: ${message}. ${more}`);
    },
  };

  /** The session was asked for. */
  asking(): void {
    this.#output.status.update(`asking ${this.#options.tenant} for ${this.#options.target} …`);
  }

  /** The client may connect. */
  listening(address: Address): void {
    const { host, port } = address;
    const { tenant, target } = this.#options;
    const shown = formatAddress(address);
    this.#output.status.clear();
    this.#tell(
      { event: "listening", address: shown, host, port, tenant, target },
      plain`${this.#name} is at ${shown} until this command ends.`,
    );
  }

  /** Tells programs how far it has come, and warns of the end; to be called about once a second. */
  tick(remote: RemoteRedirector, roundTripMs: number | undefined): void {
    if (this.#startedAt === undefined) return;
    const record = { event: "bytes", target: this.#options.target, ...remote.counts(), links: remote.openLinks };
    const text = JSON.stringify(record);
    if (text !== this.#lastBytes) this.#output.record({ ...record, roundTripMs });
    this.#lastBytes = text;
    this.#warn();
  }

  /** The status line's text now. Empty before there is something to say. */
  status(remote: RemoteRedirector): string {
    if (this.#pendingUntil !== undefined) return this.#waiting();
    if (this.#startedAt === undefined) return "";
    const { toTenant, toRemote } = remote.counts();
    const parts = [this.#name, formatDuration(performance.now() - this.#startedAt)];
    if (this.#endsAt !== undefined) parts.push(`${formatDuration(this.#msLeft(this.#endsAt))} left`);
    parts.push(`↑ ${formatBytes(toTenant)} ↓ ${formatBytes(toRemote)}`, `links ${remote.openLinks}`);
    parts.push(this.#wasAsked ? "allowed by a person" : "allowed by policy");
    return parts.join("  ");
  }

  /** The session is over. */
  ended({ reason, toTenant, toRemote }: RemoteSessionEnd): void {
    const { code, message } = reason;
    const { tenant, target } = this.#options;
    const ms = this.#startedAt === undefined ? 0 : Math.round(performance.now() - this.#startedAt);
    const links = this.#links;
    const bytes = `${formatBytes(toTenant)} to the tenant, ${formatBytes(toRemote)} back, links ${links}`;
    this.#tell(
      { event: "session-ended", tenant, target, code, message, toTenant, toRemote, links, ms },
      plain`Session to ${this.#name} ended after ${formatDuration(ms)} (${message}): ${bytes}.`,
    );
  }

  #tell(record: object, text: string): void {
    if (this.#options.outputIsTaken) this.#output.note(text);
    else this.#output.result(record, text);
  }

  #opened({ sessionId, expiresInMs, idleLimitMs }: OpenedSession, isPlain: boolean): void {
    this.#pendingUntil = undefined;
    this.#startedAt = performance.now();
    if (expiresInMs !== undefined) {
      this.#endsWithin(expiresInMs);
      if (!this.#output.json) this.#output.note(`The session ends in ${formatDuration(expiresInMs)}.`);
    }
    this.#tellPlain(isPlain);
    this.#output.record({
      event: "session-opened",
      session: sessionId,
      tenant: this.#options.tenant,
      target: this.#options.target,
      plain: isPlain,
      ...(expiresInMs !== undefined && { expiresInSeconds: Math.round(expiresInMs / 1000) }),
      ...(idleLimitMs !== undefined && { idleLimitSeconds: Math.round(idleLimitMs / 1000) }),
    });
  }

  /** Somebody else ends it: sooner than its own limit, or else that limit is told already. */
  #ending(withinMs: number, { code, message, remedy = "" }: CloseReason): void {
    if (this.#endsAt !== undefined && this.#msLeft(this.#endsAt) <= withinMs) return;
    this.#endsWithin(withinMs);
    const { target } = this.#options;
    this.#output.record({ event: "ending", target, code, message, withinSeconds: Math.round(withinMs / 1000) });
    const text = plain`drawbridge: ${message}: the session to ${this.#name} ends in ${formatDuration(withinMs)}. ${remedy}`;
    if (!this.#output.json) this.#output.note(text);
  }

  #endsWithin(ms: number): void {
    this.#endsAt = performance.now() + ms;
    this.#warningsLeft = WARNINGS_MS.filter((beforeMs) => beforeMs < ms);
  }

  #tellPlain(isPlain: boolean): void {
    if (!this.#options.plainAsked || this.#output.json) return;
    const { tenant } = this.#options;
    if (isPlain)
      this.#output.note(plain`drawbridge: ${tenant} permits plain links: this session is NOT encrypted end to end.`);
    else
      this.#output.note(
        plain`drawbridge: ${tenant} does not permit plain links: this session is encrypted end to end.`,
      );
  }

  #waiting(): string {
    const left = formatDuration(this.#msLeft(this.#pendingUntil ?? 0));
    return `waiting for the consent of ${this.#options.tenant} to ${this.#options.target}, ${left} left …`;
  }

  #warn(): void {
    const next = this.#warningsLeft[0];
    if (next === undefined || this.#endsAt === undefined) return;
    const leftMs = this.#msLeft(this.#endsAt);
    if (leftMs > next) return;
    this.#warningsLeft.shift();
    const { target } = this.#options;
    this.#output.record({ event: "ending-soon", target, secondsLeft: Math.round(leftMs / 1000) });
    if (!this.#output.json)
      this.#output.note(plain`drawbridge: the session to ${this.#name} ends in ${formatDuration(leftMs)}.`);
  }

  #msLeft(at: number): number {
    return Math.max(0, at - performance.now());
  }
}
