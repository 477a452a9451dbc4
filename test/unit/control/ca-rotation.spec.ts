import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { caStage, createCloudHome, openCloudHome, prepareCa, retireCa, switchCa } from "@drawbridge/control/cloud";
import type { CloudHome } from "@drawbridge/control/cloud";
import { certificateFromPem, certificateToPem, verifyIssued } from "@drawbridge/control/identity";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";

describe("rotation of the CA", () => {
  let home: string;

  const opened = async <Result>(use: (home: CloudHome) => Promise<Result>): Promise<Result> => {
    const cloud = await openCloudHome(home);
    try {
      return await use(cloud);
    } finally {
      await cloud.store.close();
    }
  };
  const issuer = () => opened(async ({ authority }) => certificateToPem(authority.certificateDer));
  const others = () => opened(async ({ otherAuthorities }) => otherAuthorities);

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "drawbridge-ca-"));
    await createCloudHome(home, "example", { publicAddress: "127.0.0.1:1", listen: "127.0.0.1:1" });
  });
  afterEach(() => rm(home, { recursive: true }));

  it("trusts the next CA beside the first, lets it issue, then trusts it alone", async () => {
    const first = await issuer();
    expect(await others()).to.deep.equal([]);
    await prepareCa(home);
    expect(await issuer()).to.equal(first);
    const [next] = await others();
    expect(next).to.be.a("string").and.not.equal(first);
    await switchCa(home);
    expect(await issuer()).to.equal(next);
    expect(await others()).to.deep.equal([first]);
    await retireCa(home);
    expect(await issuer()).to.equal(next);
    expect(await others()).to.deep.equal([]);
    expect(await caStage(home)).to.equal("single");
  });

  it("gives the server a certificate of the CA that issues", async () => {
    await prepareCa(home);
    await switchCa(home);
    await opened(async ({ authority, serverCertificate }) => {
      const leaf = certificateFromPem((await serverCertificate()).certificate);
      verifyIssued(leaf, [authority.certificateDer], { usage: "server" });
    });
  });

  it("refuses a step out of order, and changes nothing", async () => {
    const before = await issuer();
    for (const step of [switchCa, retireCa]) {
      const error = await step(home).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "invalid-argument");
    }
    expect(await issuer()).to.equal(before);
    expect(await caStage(home)).to.equal("single");
  });

  it("refuses a home that is there already, and begins anew where an attempt was cut short", async () => {
    const again = () => createCloudHome(home, "example", { publicAddress: "127.0.0.1:1", listen: "127.0.0.1:1" });
    const error = await again().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "home-exists");
    await rm(join(home, "settings.json"));
    await again();
    expect(await caStage(home)).to.equal("single");
  });
});
