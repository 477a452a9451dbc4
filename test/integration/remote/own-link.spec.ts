import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { DrawbridgeError, HandshakeToken } from "@drawbridge/dataplane";
import { expect } from "chai";
import { LinkTurns } from "../../../packages/control/src/remote/link-turns.ts";
import { openOwnLink } from "../../../packages/control/src/remote/own-link.ts";
import { RemoteLink } from "../../../packages/control/src/remote/remote-link.ts";
import { closedOf, LoopbackServer, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { thrown } from "../../unit/identity/thrown.ts";

describe("a link of the program's own", () => {
  let server: LoopbackServer;
  let begun: RemoteLink | undefined;
  beforeEach(async () => {
    server = await LoopbackServer.start();
    begun = undefined;
  });
  afterEach(() => server.close());

  const { signal } = new AbortController();

  /** Begins a plain link, whose leg is what this resolves to. */
  const begin =
    (dial: (signal: AbortSignal) => Promise<Socket>) =>
    (local: Duplex, onOpen: () => void): RemoteLink => {
      const linkId = "l-1";
      begun = new RemoteLink({
        local,
        turns: new LinkTurns(),
        requestLink: (onTicket) => {
          onTicket(linkId);
          return Promise.resolve({ linkId, token: HandshakeToken.generate(), rendezvousAddress: "" });
        },
        dialLeg: (_ticket, given) => dial(given),
        identity: { kind: "operator", name: "", provider: "", addresses: [], ...NO_KEYS },
        verifyTenant: () => {},
        serverName: "",
        plain: true,
        onTicket: () => {},
        onOpen,
      });
      return begun;
    };

  async function opened() {
    const { near, far } = await server.pair();
    return {
      link: await openOwnLink(
        begin(() => Promise.resolve(near)),
        signal,
      ),
      far,
    };
  }

  it("carries bytes both ways and half-closes each way alone", async () => {
    const { link, far } = await opened();
    link.stream.write("there");
    expect((await readBytes(far, 5)).toString()).to.equal("there");
    far.end("and back");
    expect((await readAll(link.stream)).toString()).to.equal("and back");
    link.stream.end("the last word");
    expect((await readAll(far)).toString()).to.equal("the last word");
    expect(await link.closed).to.deep.include({ toTenant: 18, toRemote: 8 });
  });

  it("ends when its stream is destroyed, and destroys its stream when it is cut off", async () => {
    const one = await opened();
    one.link.stream.destroy();
    expect((await one.link.closed).reason.message).to.equal("this program closed its end of the link");
    await closedOf(one.far);
    const other = await opened();
    begun?.destroy({ code: "revoked", message: "the session is over" });
    await closedOf(other.link.stream);
    expect((await other.link.closed).reason.code).to.equal("revoked");
    await closedOf(other.far);
  });

  it("is refused with the reason of whoever refused it", async () => {
    const refused = begin(() => Promise.reject(new DrawbridgeError("target-unreachable", "nobody is at home")));
    const error = await thrown(() => openOwnLink(refused, signal));
    expect(error).to.deep.include({ code: "target-unreachable", message: "nobody is at home" });
  });

  it("is given up when it is told to, also before it began", async () => {
    const abort = new AbortController();
    const never = begin((given) => {
      const { promise, reject } = Promise.withResolvers<Socket>();
      given.addEventListener("abort", () => reject(given.reason as Error));
      abort.abort(new DrawbridgeError("cancelled", "enough"));
      return promise;
    });
    expect((await thrown(() => openOwnLink(never, abort.signal))).message).to.equal("enough");
    begun = undefined;
    expect((await thrown(() => openOwnLink(never, abort.signal))).message).to.equal("enough");
    expect(begun).to.equal(undefined);
  });
});

const NO_KEYS = { privateKey: "", certificate: "", certificateAuthorities: [], keyFingerprint: "" };
