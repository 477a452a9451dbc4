import { expect } from "chai";
import { firstMessage } from "../../../packages/control/src/rpc/first-message.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { thrown } from "../identity/thrown.ts";

const iteratorOf = (next: () => Promise<IteratorResult<string>>): AsyncIterator<string> => ({ next });
const silent = (): Promise<never> => new Promise(() => {});

describe("first message", () => {
  it("is returned, and its timer is gone", async () => {
    const clock = new FakeClock();
    const messages = iteratorOf(() => Promise.resolve({ done: false, value: "hello" }));
    expect(await firstMessage(messages, "hello", 5_000, clock)).to.equal("hello");
    expect(clock.pending).to.equal(0);
  });

  it("is a handshake-timeout when it does not come in time", async () => {
    const clock = new FakeClock();
    const waiting = thrown(() => firstMessage(iteratorOf(silent), "hello", 5_000, clock));
    clock.advance(5_000);
    expect(await waiting)
      .to.include({ code: "handshake-timeout" })
      .with.property("message")
      .that.contains("hello");
    expect(clock.pending).to.equal(0);
  });

  it("is a protocol-violation when the stream ends without it", async () => {
    const clock = new FakeClock();
    const messages = iteratorOf(() => Promise.resolve({ done: true, value: undefined }));
    expect((await thrown(() => firstMessage(messages, "start", 5_000, clock))).code).to.equal("protocol-violation");
    expect(clock.pending).to.equal(0);
  });

  it("passes on what the stream fails with, and a failure after the deadline bothers nobody", async () => {
    const clock = new FakeClock();
    const failing = iteratorOf(() => Promise.reject(new Error("broken")));
    const failure = await firstMessage(failing, "hello", 5_000, clock).catch((error: unknown) => error);
    expect(failure).to.be.an("error").with.property("message", "broken");
    const late = Promise.withResolvers<never>();
    const waiting = thrown(() =>
      firstMessage(
        iteratorOf(() => late.promise),
        "hello",
        5_000,
        clock,
      ),
    );
    clock.advance(5_000);
    await waiting;
    late.reject(new Error("after the deadline"));
  });
});
