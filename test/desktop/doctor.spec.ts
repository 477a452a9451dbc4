import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { dial } from "@drawbridge/dataplane";
import { expect } from "chai";
import { readBytes } from "../support/dataplane-sockets.ts";
import { runDoctor } from "../integration/doctor/doctor-run.ts";
import { desktopSuite } from "./desktop-suite.ts";
import { TenantDesktop } from "./tenant-desktop.ts";

/** The certificate of an RDP server, read without the doctor's code: [MS-RDPBCGR] 4.1.1, then TLS. */
async function fingerprintAt(port: number, flag: number): Promise<string> {
  const socket = await dial({ host: "127.0.0.1", port });
  socket.write(Buffer.from([3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, flag, 0, 0, 0]));
  await readBytes(socket, 19);
  const tls = connectTls({ socket, rejectUnauthorized: false, minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" });
  await once(tls, "secureConnect");
  const { fingerprint256 } = tls.getPeerCertificate();
  tls.destroy();
  return fingerprint256.toLowerCase();
}

for (const [security, flag, nlaRequired] of [
  ["tls", 1, false],
  ["nla", 2, true],
] as const) {
  desktopSuite(`the doctor, before a real RDP server with ${security.toUpperCase()}`, () => {
    let desktop: TenantDesktop;
    before(async () => {
      desktop = await TenantDesktop.start(security);
    });
    after(() => desktop.stop());

    it("names its security and its certificate, and leaves it working", async () => {
      const { code, step, summary } = await runDoctor(desktop.chain.tenantHome);
      expect(code, JSON.stringify(summary)).to.equal(0);
      const rdp = step("rdp", "rdp");
      expect(rdp["offers"]).to.deep.equal([security]);
      expect(rdp["nlaRequired"]).to.equal(nlaRequired);
      const port = Number(String(step("target", "rdp")["address"]).split(":").at(-1));
      expect(rdp["certificate"]).to.have.property("fingerprint", await fingerprintAt(port, flag));
      expect((await runDoctor(desktop.chain.tenantHome)).step("rdp")["outcome"]).to.equal("ok");
    });
  });
}
