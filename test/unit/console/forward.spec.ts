import { expect } from "chai";
import type { RemoteRedirector } from "@drawbridge/control/remote";
import { Backoff } from "@drawbridge/control/rpc";
import { type CloseReason, DrawbridgeError } from "@drawbridge/dataplane";
import {
  checkForwards,
  parseForward,
  parseForwardFile,
} from "../../../packages/console-cli/src/forward/forward-rule.ts";
import { Forwarder } from "../../../packages/console-cli/src/forward/forwarder.ts";
import { RoundTrip } from "../../../packages/console-cli/src/console/round-trip.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("forward rules", () => {
  it("are read from the command line and from a file, YAML or JSON, with or without a heading", async () => {
    const rule = { listen: { host: "127.0.0.1", port: 13389 }, tenant: "acme", target: "ssh" };
    expect(parseForward("127.0.0.1:13389=acme/ssh")).to.deep.equal(rule);
    expect(parseForward("127.0.0.1:13389=acme").target).to.equal("rdp");
    for (const text of ["forwards:\n  - 127.0.0.1:13389=acme/ssh\n", '["127.0.0.1:13389=acme/ssh"]']) {
      expect(await parseForwardFile(text, "f")).to.deep.equal([rule]);
    }
  });

  it("are refused where they are wrong, naming the file", async () => {
    for (const text of ["acme", "127.0.0.1=acme", "127.0.0.1:0=acme", "127.0.0.1:1=UPPER", "=acme"]) {
      expect(() => parseForward(text), text)
        .to.throw(DrawbridgeError)
        .with.property("code", "invalid-argument");
    }
    for (const text of ["forwards: 1", "{", "- a: b", "&a [*a]", ""]) {
      const error: unknown = await parseForwardFile(text, "my-file").catch((reason: unknown) => reason);
      expect(error, text).to.be.instanceOf(DrawbridgeError).with.property("code", "invalid-argument");
      expect(String(error)).to.contain("my-file");
    }
    expect(() => checkForwards([])).to.throw(/nothing to forward/);
    const one = parseForward("127.0.0.1:1=acme");
    expect(() => checkForwards([one, one])).to.throw(/used twice/);
    const many = Array.from({ length: 65 }, (_, index) => parseForward(`127.0.0.1:${index + 1}=acme`));
    expect(() => checkForwards(many)).to.throw(/more than 64/);
  });
});

describe("Forwarder", () => {
  /** Runs one whose sessions end, or fail to open, as the list says; the last one lasts. */
  function run(ends: readonly { opens: boolean; why: CloseReason }[]) {
    const clock = new FakeClock();
    const states: string[] = [];
    const left = [...ends];
    const stopped = Promise.withResolvers<{ reason: CloseReason }>();
    const forwarder = new Forwarder({
      rule: parseForward("127.0.0.1:13389=acme"),
      makeRemote: () => {
        const end = left.shift();
        const refusal = end?.opens === false ? end.why : undefined;
        return Promise.resolve({
          start: () =>
            refusal === undefined
              ? Promise.resolve()
              : Promise.reject(new DrawbridgeError(refusal.code, refusal.message)),
          stop: (reason: CloseReason) => {
            stopped.resolve({ reason });
            return Promise.resolve();
          },
          closed: end === undefined ? stopped.promise : Promise.resolve({ reason: end.why }),
        } as unknown as RemoteRedirector);
      },
      onState: (_rule, { name }) => void states.push(name),
      onLost: () => {},
      clock,
      backoff: new Backoff({ random: () => 0.5 }),
    });
    const abort = new AbortController();
    return { clock, states, abort, over: forwarder.run(abort.signal) };
  }

  it("opens again what was lost, after a while", async () => {
    const { clock, states, abort, over } = run([
      { opens: true, why: { code: "tenant-lost", message: "x" } },
      { opens: false, why: { code: "tenant-offline", message: "x" } },
    ]);
    await settle();
    expect(states).to.deep.equal(["opening", "open", "waiting"]);
    clock.advance(500);
    await settle();
    clock.advance(1_000);
    await settle();
    expect(states.slice(3)).to.deep.equal(["opening", "waiting", "opening", "open"]);
    abort.abort();
    expect((await over).code).to.equal("closed");
    expect(clock.pending).to.equal(0);
  });

  it("asks for nothing again that somebody refused or ended", async () => {
    for (const code of ["consent-refused", "consent-expired", "permission-denied", "revoked", "closed"] as const) {
      const { states, over } = run([{ opens: code === "closed", why: { code, message: "x" } }]);
      expect((await over).code).to.equal(code);
      expect(states.at(-1)).to.equal("ended");
    }
  });

  it("ends while it waits", async () => {
    const { clock, abort, over } = run([{ opens: false, why: { code: "unavailable", message: "x" } }]);
    await settle();
    abort.abort();
    expect((await over).code).to.equal("closed");
    expect(clock.pending).to.equal(0);
  });
});

describe("RoundTrip", () => {
  it("measures again and again, and knows none where nobody answered", async () => {
    const clock = new FakeClock();
    let isThere = true;
    const answers = (): Promise<boolean> => {
      clock.advance(23);
      return Promise.resolve(isThere);
    };
    const trip = new RoundTrip({ answers }, clock);
    expect(trip.ms).to.equal(undefined);
    trip.start();
    await settle();
    expect(trip.ms).to.equal(23);
    isThere = false;
    clock.advance(10_000);
    await settle();
    expect(trip.ms).to.equal(undefined);
    trip.stop();
    expect(clock.pending).to.equal(0);
  });
});
