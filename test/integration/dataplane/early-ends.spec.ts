import { acceptTenantLeg, DrawbridgeError, encryptRemoteLeg, type EndToEndTlsOptions } from "@drawbridge/dataplane";
import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { setEndsTogether } from "../../../packages/dataplane/src/held-open-leg.ts";
import { TestAuthority, type TestIdentity } from "../../support/certificates.ts";
import { LoopbackServer, readAll } from "../../support/dataplane-sockets.ts";

interface Legs {
  remote: Socket;
  tenant: Socket;
}

/** Whoever is at the end of the encryption may end in the very turn in which the handshake is done. */
describe("end-to-end TLS that ends as soon as it is there", () => {
  let server: LoopbackServer;
  let operator: TestIdentity;
  let tenant: TestIdentity;
  let options: Pick<EndToEndTlsOptions, "certificateAuthorities" | "verifyPeer" | "serverName">;
  let legs: Legs;

  before(async () => {
    const authority = await TestAuthority.create();
    operator = await authority.issue("drawbridge://test/operator/ann");
    tenant = await authority.issue("drawbridge://test/tenant/acme");
    const serverName = "one.target.drawbridge.internal";
    options = { certificateAuthorities: [authority.certificate], verifyPeer: () => {}, serverName };
    server = await LoopbackServer.start();
  });
  after(() => server.close());
  afterEach(() => {
    legs.remote.destroy();
    legs.tenant.destroy();
  });

  async function raw(): Promise<Legs> {
    const { near, far } = await server.pair();
    return { remote: near, tenant: far };
  }

  async function heldOpen(): Promise<Legs> {
    const pair = await raw();
    setEndsTogether(pair.remote);
    setEndsTogether(pair.tenant);
    return pair;
  }

  async function insideTls(): Promise<Legs> {
    const { near, far } = await server.pair();
    const outer = createServer({ key: tenant.key, cert: tenant.certificate, minVersion: "TLSv1.3" });
    const remote = connect({ socket: near, rejectUnauthorized: false }).on("error", () => {});
    const accepted = once(outer, "secureConnection") as Promise<[TLSSocket]>;
    outer.emit("connection", far);
    const [[stream]] = await Promise.all([accepted, once(remote, "secureConnect")]);
    remote.allowHalfOpen = stream.allowHalfOpen = true;
    return { remote, tenant: stream.on("error", () => {}) };
  }

  /** Both ends of the encryption: first the side that does this as soon as it has its stream, then the other. */
  async function ends(side: keyof Legs, atOnce: (stream: TLSSocket) => void): Promise<[TLSSocket, TLSSocket]> {
    const remote = encryptRemoteLeg(legs.remote, { ...operator, ...options });
    const accepted = acceptTenantLeg(legs.tenant, { ...tenant, ...options });
    const [first, second] = side === "remote" ? [remote, accepted] : [accepted, remote];
    const acting = first.then((stream) => {
      atOnce(stream);
      return stream;
    });
    return Promise.all([acting, second]);
  }

  const WAYS = { "on a raw leg": raw, "on a leg inside of TLS": insideTls, "on a leg that ends as a whole": heldOpen };
  const WHAT = { nothing: "", "a few bytes": "all that I have", "more than a socket holds": 8 * 1024 * 1024 };

  for (const [where, make] of Object.entries(WAYS)) {
    for (const side of ["remote", "tenant"] as const) {
      for (const [said, content] of Object.entries(WHAT)) {
        it(`is heard to the end, and answered: the ${side} end says ${said} ${where}`, async () => {
          legs = await make();
          const bytes = typeof content === "string" ? Buffer.from(content) : randomBytes(content);
          const [first, second] = await ends(side, (stream) => stream.end(bytes));
          expect((await readAll(second)).equals(bytes)).to.equal(true);
          second.end("answer");
          expect((await readAll(first)).toString()).to.equal("answer");
        });
      }

      it(`is not taken for an end where it is cut off: the ${side} end's connection ends ${where}`, async () => {
        legs = await make();
        const [, other] = await ends(side, (stream) => stream.write("a part"));
        const received: Buffer[] = [];
        const outcome = once(other, "error") as Promise<[unknown]>;
        other.on("data", (chunk: Buffer) => received.push(chunk));
        other.once("data", () => legs[side].end());
        const [error] = await outcome;
        expect(error).to.be.instanceOf(DrawbridgeError).and.to.include({ code: "closed" });
        expect(Buffer.concat(received).toString()).to.equal("a part");
      });
    }
  }
});
