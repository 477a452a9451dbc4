import { once } from "node:events";
import { duplexPair, type Duplex } from "node:stream";
import { expect } from "chai";
import { readAll } from "../../support/dataplane-sockets.ts";
import { joinSockets } from "../../support/join-sockets.ts";

/** How many bytes a stream takes before it says that it is full. */
const ROOM = 16;

describe("joined sockets", () => {
  let client: Duplex;
  let backend: Duplex;
  /** The backend's other end, and the client's. */
  let towardsBackend: Duplex;
  let towardsClient: Duplex;

  beforeEach(() => {
    [client, towardsClient] = duplexPair({ highWaterMark: ROOM });
    [towardsBackend, backend] = duplexPair({ highWaterMark: ROOM });
    joinSockets(towardsClient, towardsBackend);
  });

  it("bring a slow reader everything, also when the other side is done and gone", async () => {
    client.end("a question");
    expect((await readAll(backend)).toString()).to.equal("a question");
    // The client's room takes one of them. The other waits, without anybody being told to wait.
    backend.write("a".repeat(ROOM - 1));
    backend.end("b".repeat(ROOM - 1));
    await once(towardsBackend, "close");
    expect(towardsClient.writableLength).to.be.greaterThan(0);
    expect(towardsClient.destroyed).to.equal(false);
    expect((await readAll(client)).toString()).to.match(/^a{15}b{15}$/);
  });

  it("break together", async () => {
    towardsBackend.destroy();
    await once(towardsClient, "close");
    expect(towardsClient.readableEnded).to.equal(false);
  });
});
