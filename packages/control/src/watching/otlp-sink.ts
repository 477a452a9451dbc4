import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Log } from "../wire/log.ts";
import { otlpJson } from "./otlp-json.ts";
import type { FinishedSpan, SpanSink } from "./recording-tracer.ts";
import type { SpanAttributes } from "./span.ts";

/** Where spans are sent. */
export interface OtlpSinkOptions {
  /** The whole address, with its path. */
  readonly url: URL;
  /** Sent along, such as a key of the receiver's. */
  readonly headers: Readonly<Record<string, string>>;
  /** Who records. */
  readonly resource: SpanAttributes;
  readonly scope: string;
  readonly log: Log;
}

/** Spans are sent at most so often, in milliseconds, or when there are as many as go into one message. */
const EVERY_MS = 2_000;
const MOST_IN_ONE = 256;
/** Spans that wait for a receiver that is slow or gone; what comes then is dropped. */
const MOST_WAITING = 4_096;
/** How long a receiver may take to answer, in milliseconds; and when this process is about to end. */
const TIMEOUT_MS = 10_000;
const LAST_TIMEOUT_MS = 2_000;
/** That spans are lost is told at most so often, in milliseconds. */
const TELL_EVERY_MS = 60_000;

/** Sends spans to an OpenTelemetry collector: OTLP over HTTP, in JSON. One message at a time; nothing is sent twice. */
export class OtlpSink implements SpanSink {
  readonly #options: OtlpSinkOptions;
  readonly #waiting: FinishedSpan[] = [];
  readonly #hurry = new AbortController();
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #toldAt: number | undefined;
  #isClosed = false;

  constructor(options: OtlpSinkOptions) {
    this.#options = options;
  }

  add(span: FinishedSpan): void {
    if (this.#isClosed) return;
    if (this.#waiting.length >= MOST_WAITING) return this.#lost("too many spans wait for it");
    this.#waiting.push(span);
    if (this.#waiting.length >= MOST_IN_ONE) this.#send();
    // What waits must not keep a process alive: whoever ends it closes this first.
    else this.#timer ??= setTimeout(() => this.#send(), EVERY_MS).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const late = setTimeout(() => this.#hurry.abort(), LAST_TIMEOUT_MS);
    while (this.#waiting.length > 0 && !this.#hurry.signal.aborted) {
      this.#send();
      await this.#sending;
    }
    await this.#sending;
    clearTimeout(this.#timer);
    clearTimeout(late);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sending !== undefined) return;
    const spans = this.#waiting.splice(0, MOST_IN_ONE);
    if (spans.length === 0) return;
    const { resource, scope } = this.#options;
    this.#sending = this.#post(otlpJson(spans, resource, scope))
      .catch((error: unknown) => this.#lost(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        this.#sending = undefined;
        if (this.#waiting.length >= MOST_IN_ONE && !this.#isClosed) this.#send();
        else if (this.#waiting.length > 0 && !this.#isClosed)
          this.#timer ??= setTimeout(() => this.#send(), EVERY_MS).unref();
      });
  }

  #post(body: string): Promise<void> {
    const { url, headers } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      signal: AbortSignal.any([this.#hurry.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      agent: false,
    });
    request.on("error", reject);
    request.on("response", (response) => {
      const { statusCode = 0 } = response;
      response.resume().on("error", reject);
      response.on("close", () => (statusCode < 300 ? resolve() : reject(new Error(`it answered ${statusCode}`))));
    });
    request.end(body);
    return promise;
  }

  #lost(why: string): void {
    const now = performance.now();
    if (this.#toldAt !== undefined && now - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = now;
    const { log, url } = this.#options;
    log.warn(
      { event: "spans-lost", receiver: url.host },
      `spans are lost, since ${url.host} does not take them: ${why}`,
    );
  }
}
