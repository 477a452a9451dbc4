import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as connectTls } from "node:tls";
import { dial } from "@drawbridge/dataplane";
import { expect } from "chai";
import { TemporaryFolder } from "../../scripts/demo/temporary-folder.ts";
import { expectCli } from "../support/cli.ts";
import { readBytes } from "../support/dataplane-sockets.ts";
import { type DoctorRun, runDoctor } from "../integration/doctor/doctor-run.ts";
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

    const portOf = ({ step }: DoctorRun): number => Number(String(step("target", "rdp")["address"]).split(":").at(-1));

    it("names its security and its certificate, and leaves it working", async () => {
      const run = await runDoctor(desktop.chain.tenantHome);
      const { code, step, summary } = run;
      expect(code, JSON.stringify(summary)).to.equal(0);
      const rdp = step("rdp", "rdp");
      expect(rdp["offers"]).to.deep.equal([security]);
      expect(rdp["nlaRequired"]).to.equal(nlaRequired);
      expect(rdp["certificate"]).to.have.property("fingerprint", await fingerprintAt(portOf(run), flag));
      expect((await runDoctor(desktop.chain.tenantHome)).step("rdp")["outcome"]).to.equal("ok");
    });

    it("is asked by `connect` too, from end to end, before a client is started", async () => {
      await using folder = await TemporaryFolder.create("client");
      await writeFile(folder.file("xfreerdp"), "#!/bin/sh\n", { mode: 0o755 });
      const env = { PATH: `${folder.path}:${process.env["PATH"] ?? ""}`, DISPLAY: ":99" };
      const args = ["connect", desktop.chain.tenantName, "--listen", "127.0.0.1:0", "--client", "xfreerdp", "--json"];
      const port = portOf(await runDoctor(desktop.chain.tenantHome));
      const { events } = await expectCli(args, { home: desktop.chain.operatorHome, env });
      const checked = events.find(({ event }) => event === "target-checked");
      expect(checked).to.deep.include({ outcome: "answers", security: security === "nla" ? "NLA (CredSSP)" : "TLS" });
      expect(checked?.["certificate"]).to.have.property("fingerprint", await fingerprintAt(port, flag));
    });
  });
}
