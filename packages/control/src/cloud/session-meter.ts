import type { Clock, CloseReason } from "@drawbridge/dataplane";
import type { Metrics } from "./metrics/metrics-port.ts";
import type { LinkNews } from "./ports.ts";
import type { Session } from "./session.ts";
import type { SessionObserver } from "./session-broker.ts";

/** Counts what sessions and their links do. */
export class SessionMeter implements SessionObserver {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #startedAt = new WeakMap<Session, number>();
  readonly #opened = new WeakSet<Session>();

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  started(session: Session): void {
    this.#startedAt.set(session, this.#clock.now());
    this.#metrics.sessionRequested();
  }

  consentAsked(): void {}

  opened(session: Session): void {
    const now = this.#clock.now();
    this.#opened.add(session);
    this.#metrics.sessionOpened(now - (this.#startedAt.get(session) ?? now));
  }

  ended(session: Session, reason: CloseReason): void {
    if (this.#opened.has(session)) this.#metrics.sessionEnded(reason);
    else this.#metrics.sessionRefused(reason);
  }

  link(_session: Session, news: LinkNews): void {
    switch (news.what) {
      case "requested":
        return this.#metrics.linkRequested();
      case "paired":
        return this.#metrics.linkPaired(news.setUp);
      case "refused":
        return this.#metrics.linkRefused(news.reason);
      case "ended":
        return this.#metrics.linkEnded(news.reason, news.setUp);
    }
  }
}
