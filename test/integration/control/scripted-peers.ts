import type { MessageInitShape } from "@bufbuild/protobuf";
import { MessageQueue, type RpcChannel, serviceDefinition } from "@drawbridge/control/rpc";
import type { DrawbridgeError } from "@drawbridge/dataplane";
import { type ConnectRequestSchema, type ConnectResponse, ControlService } from "@drawbridge/gen/drawbridge/v1/control";
import { type OpenRequestSchema, type OpenResponse, SessionService } from "@drawbridge/gen/drawbridge/v1/session";
import { expect } from "chai";
import { Metadata } from "nice-grpc-common";

const controlDefinition = serviceDefinition(ControlService);
const sessionDefinition = serviceDefinition(SessionService);

type Cased = { message: { case: string | undefined; value?: unknown } };
type ValueOf<Response extends Cased, Case> =
  Extract<Response["message"], { case: Case }> extends { value: infer Value } ? Value : never;

/** A bidirectional stream that a test speaks on and listens to message by message. */
class ScriptedStream<Request, Response extends Cased> {
  readonly out = new MessageQueue<Request>();
  readonly #stop = new AbortController();
  readonly #responses: AsyncIterator<Response>;
  /** Asked for ahead: nice-grpc begins a call only when its first answer is asked for. */
  #ahead: Promise<IteratorResult<Response>>;

  constructor(open: (requests: AsyncIterable<Request>, signal: AbortSignal) => AsyncIterable<Response>) {
    this.out.endOn(this.#stop.signal);
    this.#responses = open(this.out, this.#stop.signal)[Symbol.asyncIterator]();
    this.#ahead = this.#responses.next();
  }

  /** The next message, which has to be of this kind. */
  async next<Case extends Response["message"]["case"]>(name: Case): Promise<ValueOf<Response, Case>> {
    const next = await this.#take();
    expect(next.done, `the stream ended instead of ${name ?? ""}`).not.to.equal(true);
    const { message } = next.value as Response;
    expect(message.case).to.equal(name);
    return message.value as ValueOf<Response, Case>;
  }

  /** The next message of this kind; what comes before it is dropped. */
  async nextOf<Case extends Response["message"]["case"]>(name: Case): Promise<ValueOf<Response, Case>> {
    for (;;) {
      const next = await this.#take();
      expect(next.done, `the stream ended instead of ${name ?? ""}`).not.to.equal(true);
      const { message } = next.value as Response;
      if (message.case === name) return message.value as ValueOf<Response, Case>;
    }
  }

  /** What the stream ends with: an error, or `ended`. Messages before it are skipped, their kinds returned. */
  async end(): Promise<{ skipped: (string | undefined)[]; error: DrawbridgeError | undefined }> {
    const skipped: (string | undefined)[] = [];
    try {
      for (let next = await this.#take(); next.done !== true; next = await this.#take())
        skipped.push(next.value.message.case);
      return { skipped, error: undefined };
    } catch (error) {
      return { skipped, error: error as DrawbridgeError };
    }
  }

  #take(): Promise<IteratorResult<Response>> {
    const taken = this.#ahead;
    this.#ahead = taken.then(() => this.#responses.next());
    this.#ahead.catch(() => {});
    return taken;
  }

  /** Cancels the call, as a lost connection does. */
  cut(): void {
    this.#stop.abort();
    this.#ahead.catch(() => {});
  }
}

type ConnectInit = MessageInitShape<typeof ConnectRequestSchema>;
type OpenInit = MessageInitShape<typeof OpenRequestSchema>;

/** A tenant's end of a control connection, whose every word a test decides. */
export class ScriptedTenant extends ScriptedStream<ConnectInit, ConnectResponse> {
  epoch = 0n;

  static async connect(channel: RpcChannel, sessionIds: string[] = []): Promise<ScriptedTenant> {
    const client = channel.client(controlDefinition);
    const tenant = new ScriptedTenant((requests, signal) => client.connect(requests, { signal }));
    const targets = [{ name: "rdp", address: "127.0.0.1:3389" }];
    tenant.out.push({ message: { case: "hello", value: { protocolVersion: 1, targets, sessionIds } } });
    tenant.epoch = (await tenant.next("welcome")).epoch;
    return tenant;
  }

  accept(sessionId: string): void {
    this.out.push({
      message: { case: "sessionAnswer", value: { sessionId, decision: { case: "accepted", value: {} } } },
    });
  }

  refuseLink(linkId: string): void {
    const value = { code: "target-unreachable", message: "no answer" };
    this.out.push({ message: { case: "linkAnswer", value: { linkId, outcome: { case: "refused", value } } } });
  }

  closeSession(sessionId: string): void {
    const reason = { code: "closed", message: "the tenant is done" };
    this.out.push({ message: { case: "sessionClose", value: { sessionId, reason } } });
  }

  freeTargetsChanged(freeTargets: boolean): void {
    this.out.push({ message: { case: "freeTargetsChanged", value: { freeTargets } } });
  }

  goodbye(): void {
    const reason = { code: "closed", message: "stopped" };
    this.out.push({ message: { case: "goodbye", value: { reason } } });
  }
}

/** An operator's end of a session stream, whose every word a test decides. */
export class ScriptedOperator extends ScriptedStream<OpenInit, OpenResponse> {
  #requests = 0;

  /** @param traceparent sent as the call's metadata, whatever it is */
  constructor(channel: RpcChannel, tenant: string, traceparent?: string, target = "rdp") {
    const metadata = Metadata(traceparent === undefined ? {} : { traceparent });
    super((requests, signal) => channel.client(sessionDefinition).open(requests, { signal, metadata }));
    this.out.push({ message: { case: "start", value: { tenant, target } } });
  }

  requestLink(traceparent = ""): void {
    this.out.push({ message: { case: "linkRequest", value: { requestId: (this.#requests += 1), traceparent } } });
  }

  goodbye(): void {
    this.out.push({ message: { case: "goodbye", value: {} } });
  }
}
