import type { OpenedSession, RemoteObserver, RemoteRedirector, RemoteSessionEnd } from "@drawbridge/control/remote";
import type { Address } from "@drawbridge/dataplane";
import { formatAddress } from "@drawbridge/dataplane";
import type { Output } from "../rendering/index.ts";
import { formatBytes, formatDuration, plain } from "../rendering/index.ts";

/** When the end of a session is told in advance: this many milliseconds before. */
const WARNINGS_MS = [300_000, 60_000];

/** Shows a session: JSON events, or a status line and notes for people. */
export class ConnectView {
  readonly #output: Output;
  readonly #tenant: string;
  readonly #target: string;
  /** Whether links without end-to-end encryption were asked for. */
  readonly #plainAsked: boolean;
  /** When the session opened; undefined before. */
  #startedAt: number | undefined;
  #pendingUntil: number | undefined;
  #endsAt: number | undefined;
  #warningsLeft: number[] = [];
  #lastBytes = "";

  constructor(output: Output, tenant: string, target: string, plainAsked = false) {
    this.#output = output;
    this.#tenant = tenant;
    this.#target = target;
    this.#plainAsked = plainAsked;
  }

  /** What the remote redirector tells. */
  readonly observer: RemoteObserver = {
    pending: (withinMs) => {
      this.#pendingUntil = performance.now() + withinMs;
      const withinSeconds = Math.round(withinMs / 1000);
      this.#output.record({ event: "pending", tenant: this.#tenant, target: this.#target, withinSeconds });
      this.#waiting();
    },
    opened: (session, isPlain) => this.#opened(session, isPlain),
    linkOpened: (link, isPlain) => this.#output.record({ event: "link-opened", link, plain: isPlain }),
    linkClosed: ({ linkId, reason, toTenant, toRemote }) => {
      const { code, message, remedy = "" } = reason;
      this.#output.record({ event: "link-closed", link: linkId, code, message, toTenant, toRemote });
      if (code !== "closed" && !this.#output.json)
        this.#output.note(plain`drawbridge: a link ended: ${message}. ${remedy}`);
    },
    clientRefused: ({ code, message, remedy }, count) => {
      this.#output.record({ event: "client-refused", code, message, count });
      const more = count === 1 ? remedy : `${count} refused so far.`;
      if (!this.#output.json) this.#output.note(plain`drawbridge: ${message}. ${more}`);
    },
  };

  /** The session was asked for. */
  asking(): void {
    this.#output.status.update(`asking ${this.#tenant} for ${this.#target} …`);
  }

  /** The client may connect. */
  listening(address: Address): void {
    const { host, port } = address;
    const shown = formatAddress(address);
    this.#output.status.clear();
    this.#output.result(
      { event: "listening", address: shown, host, port, tenant: this.#tenant, target: this.#target },
      plain`${this.#tenant}/${this.#target} is at ${shown} until this command ends.`,
    );
  }

  /** Brings everything up to date; to be called about once a second. */
  tick(remote: RemoteRedirector): void {
    if (this.#pendingUntil !== undefined) return this.#waiting();
    if (this.#startedAt === undefined) return;
    const { toTenant, toRemote } = remote.counts();
    const links = remote.openLinks;
    const parts = [formatDuration(performance.now() - this.#startedAt)];
    parts.push(`to tenant ${formatBytes(toTenant)}`, `back ${formatBytes(toRemote)}`, `links ${links}`);
    if (this.#endsAt !== undefined) parts.push(`${formatDuration(this.#msLeft(this.#endsAt))} left`);
    this.#output.status.update(parts.join("  "));
    const record = { event: "bytes", toTenant, toRemote, links };
    const text = JSON.stringify(record);
    if (text !== this.#lastBytes) this.#output.record(record);
    this.#lastBytes = text;
    this.#warn();
  }

  /** The session is over. */
  ended({ reason, toTenant, toRemote }: RemoteSessionEnd): void {
    const { code, message } = reason;
    const bytes = `${formatBytes(toTenant)} to the tenant, ${formatBytes(toRemote)} back`;
    this.#output.result(
      { event: "session-ended", tenant: this.#tenant, code, message, toTenant, toRemote },
      plain`Session to ${this.#tenant} ended (${message}): ${bytes}.`,
    );
  }

  #opened({ sessionId, expiresInMs, idleLimitMs }: OpenedSession, isPlain: boolean): void {
    this.#pendingUntil = undefined;
    this.#startedAt = performance.now();
    if (expiresInMs !== undefined) {
      this.#endsAt = performance.now() + expiresInMs;
      this.#warningsLeft = WARNINGS_MS.filter((beforeMs) => beforeMs < expiresInMs);
      if (!this.#output.json) this.#output.note(`The session ends in ${formatDuration(expiresInMs)}.`);
    }
    this.#tellPlain(isPlain);
    this.#output.record({
      event: "session-opened",
      session: sessionId,
      tenant: this.#tenant,
      target: this.#target,
      plain: isPlain,
      ...(expiresInMs !== undefined && { expiresInSeconds: Math.round(expiresInMs / 1000) }),
      ...(idleLimitMs !== undefined && { idleLimitSeconds: Math.round(idleLimitMs / 1000) }),
    });
  }

  #tellPlain(isPlain: boolean): void {
    if (!this.#plainAsked || this.#output.json) return;
    const tenant = this.#tenant;
    if (isPlain)
      this.#output.note(plain`drawbridge: ${tenant} permits plain links: this session is NOT encrypted end to end.`);
    else
      this.#output.note(
        plain`drawbridge: ${tenant} does not permit plain links: this session is encrypted end to end.`,
      );
  }

  #waiting(): void {
    const left = formatDuration(this.#msLeft(this.#pendingUntil ?? 0));
    this.#output.status.update(`waiting for the tenant's consent, ${left} left …`);
  }

  #warn(): void {
    const next = this.#warningsLeft[0];
    if (next === undefined || this.#endsAt === undefined) return;
    const leftMs = this.#msLeft(this.#endsAt);
    if (leftMs > next) return;
    this.#warningsLeft.shift();
    this.#output.record({ event: "ending-soon", secondsLeft: Math.round(leftMs / 1000) });
    if (!this.#output.json) this.#output.note(`drawbridge: the session ends in ${formatDuration(leftMs)}.`);
  }

  #msLeft(at: number): number {
    return Math.max(0, at - performance.now());
  }
}
