import { MessageQueue } from "@drawbridge/control/rpc";
import { expect } from "chai";
import fc from "fast-check";
import { thrown } from "../identity/thrown.ts";

async function drain<Message>(queue: MessageQueue<Message>): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of queue) messages.push(message);
  return messages;
}

describe("message queue", () => {
  it("gives out what was pushed, in order, however reading and pushing take turns", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 100 }), async (turns) => {
        const queue = new MessageQueue<number>();
        const reading = drain(queue);
        let pushed = 0;
        for (const isPush of turns) {
          if (isPush) queue.push((pushed += 1));
          else await Promise.resolve();
        }
        queue.end();
        expect(await reading).to.deep.equal(Array.from({ length: pushed }, (_, index) => index + 1));
      }),
    );
  });

  it("ends after what waits, and takes nothing more", async () => {
    const queue = new MessageQueue<string>();
    queue.push("a");
    queue.end();
    queue.end();
    queue.push("b");
    expect(await drain(queue)).to.deep.equal(["a"]);
  });

  it("fails after what waits, with the first error", async () => {
    const queue = new MessageQueue<string>();
    queue.push("a");
    queue.fail(new Error("first"));
    queue.fail(new Error("second"));
    queue.end();
    const iterator = queue[Symbol.asyncIterator]();
    expect(await iterator.next()).to.deep.equal({ done: false, value: "a" });
    const failure = await iterator.next().catch((error: unknown) => error);
    expect(failure).to.be.an("error").with.property("message", "first");
  });

  it("does not fail once it has ended", async () => {
    const queue = new MessageQueue<string>();
    queue.end();
    queue.fail(new Error("late"));
    expect(await drain(queue)).to.deep.equal([]);
  });

  it("holds so many messages and then fails, instead of growing", async () => {
    const queue = new MessageQueue<number>(3);
    for (let number = 1; number <= 1_000; number += 1) queue.push(number);
    const received: number[] = [];
    const error = await thrown(async () => {
      for await (const number of queue) received.push(number);
    });
    expect(received).to.deep.equal([1, 2, 3]);
    expect(error.code).to.equal("limit-exceeded");
  });

  it("ends when its signal fires, also while the reader waits, and when it has fired before", async () => {
    const stop = new AbortController();
    const queue = new MessageQueue<string>().endOn(stop.signal);
    const reading = drain(queue);
    queue.push("a");
    await Promise.resolve();
    stop.abort();
    expect(await reading).to.deep.equal(["a"]);
    expect(await drain(new MessageQueue<string>().endOn(stop.signal))).to.deep.equal([]);
  });
});
