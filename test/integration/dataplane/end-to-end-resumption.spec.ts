import { acceptTenantLeg, END_TO_END_ALPN } from "@drawbridge/dataplane";
import { expect } from "chai";
import { connect } from "node:tls";
import { TestAuthority } from "../../support/certificates.ts";
import { closedOf, LoopbackServer, readAll } from "../../support/dataplane-sockets.ts";

describe("end-to-end TLS for somebody who was here before", () => {
  it("resumes no session: the peer is looked at anew, with its whole chain", async () => {
    const authority = await TestAuthority.create();
    const operator = await authority.issue("drawbridge://test/operator/ann");
    const tenant = await authority.issue("drawbridge://test/tenant/acme");
    const server = await LoopbackServer.start();
    const serverName = "one.target.drawbridge.internal";
    let verified = 0;
    const accept = {
      ...tenant,
      certificateAuthorities: [authority.certificate],
      verifyPeer: () => (verified += 1),
      serverName,
    };
    const settings = {
      key: operator.key,
      cert: operator.certificate,
      servername: serverName,
      rejectUnauthorized: false,
    };
    const handshake = async (session?: Buffer): Promise<{ resumed: boolean; session: Buffer | undefined }> => {
      const { near, far } = await server.pair();
      const offered = { ...settings, ALPNProtocols: [END_TO_END_ALPN], ...(session && { session }) };
      const client = connect({ socket: near, ...offered }).on("error", () => {});
      let latest: Buffer | undefined;
      client.on("session", (fresh) => (latest = fresh));
      const tenantEnd = await acceptTenantLeg(far, accept);
      tenantEnd.end("hello");
      await readAll(client);
      const resumed = client.isSessionReused();
      client.destroy();
      await closedOf(far);
      return { resumed, session: latest ?? client.getSession() };
    };
    const first = await handshake();
    expect(first.session).to.not.equal(undefined);
    expect((await handshake(first.session)).resumed).to.equal(false);
    expect(verified).to.equal(2);
    server.close();
  });
});
