import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { rememberCertificate } from "../../../packages/console-cli/src/clients/freerdp-known-hosts.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";

const address = { host: "127.9.8.7", port: 3389 };
const certificate = { pem: "the PEM\n", fingerprint: "ab:cd", name: "WIN-1", notAfter: 0 };
const NAME = Buffer.from("CN = WIN-1").toString("base64");
const LINES = [`127.9.8.7 3389 ab:cd ${NAME} ${NAME}`, `127.9.8.7:3389 3389 ab:cd ${NAME} ${NAME}`];

describe("FreeRDP's known hosts", () => {
  let folder: TemporaryFolder;
  const file = (): string => folder.file(".config/freerdp/known_hosts2");
  const known = async (): Promise<string[]> => (await readFile(file(), "utf8")).split("\n").filter(Boolean);
  const remember = (fingerprint = "ab:cd"): Promise<void> =>
    rememberCertificate(
      address,
      { ...certificate, fingerprint },
      { platform: "linux", variables: { HOME: folder.path } },
    );

  beforeEach(async () => void (folder = await TemporaryFolder.create("freerdp")));
  afterEach(() => folder[Symbol.asyncDispose]());

  it("get a certificate for both names of an address, once, where only this user reads it", async () => {
    await remember();
    await remember();
    expect(await known()).to.deep.equal(LINES);
    expect((await stat(file())).mode & 0o777).to.equal(0o600);
    const server = folder.file(".config/freerdp/server");
    expect((await readdir(server)).toSorted()).to.deep.equal(["127.9.8.7:3389_3389.pem", "127.9.8.7_3389.pem"]);
    expect(await readFile(`${server}/127.9.8.7_3389.pem`, "utf8")).to.equal("the PEM\n");
  });

  it("lose another certificate of the address, and nothing else", async () => {
    await mkdir(folder.file(".config/freerdp"), { recursive: true });
    const others = ["127.9.8.70 3389 11:11 x y", "127.9.8.7 33890 22:22 x y"];
    // Without an end of line, as an editor may leave it.
    await writeFile(file(), [...others, "127.9.8.7 3389 99:99 x y"].join("\n"));
    await remember();
    expect(await known()).to.deep.equal([...others, ...LINES]);
    await remember("ef:01");
    expect(await known()).to.deep.equal([...others, ...LINES.map((line) => line.replace("ab:cd", "ef:01"))]);
  });

  it("stand in XDG_CONFIG_HOME where that is set, are left alone on Windows, and a home that is no folder is no error", async () => {
    const variables = { HOME: folder.path, XDG_CONFIG_HOME: folder.file("xdg") };
    await rememberCertificate(address, certificate, { platform: "win32", variables });
    await rememberCertificate(address, certificate, { platform: "linux", variables: {} });
    expect(await readdir(folder.path)).to.deep.equal([]);
    await rememberCertificate(address, certificate, { platform: "linux", variables });
    expect(await readdir(folder.path)).to.deep.equal(["xdg"]);
    await writeFile(folder.file("no-folder"), "");
    await rememberCertificate(address, certificate, {
      platform: "linux",
      variables: { HOME: folder.file("no-folder") },
    });
  });
});
