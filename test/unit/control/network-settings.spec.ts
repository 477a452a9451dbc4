import { loadNetworkSettings, saveNetworkSettings } from "@drawbridge/control/wire";
import { expect } from "chai";
import { chmod, stat, writeFile } from "node:fs/promises";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { thrown } from "../identity/thrown.ts";

describe("network settings", () => {
  let folder: TemporaryFolder;
  let home: string;
  let file: string;

  beforeEach(async () => {
    folder = await TemporaryFolder.create("network");
    home = folder.path;
    file = folder.file("network.json");
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  it("are all absent where there is no file", async () => {
    expect(await loadNetworkSettings(home)).to.deep.equal({});
  });

  it("come back as they were kept, in a file that only its owner may read", async () => {
    const settings = { proxy: "http://maria:secret@proxy.corp:3128", noProxy: "a, b", legTransport: "tls" } as const;
    await saveNetworkSettings(home, settings);
    expect(await loadNetworkSettings(home)).to.deep.equal(settings);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
  });

  it("are refused where others may read them", async function () {
    if (process.platform === "win32") return this.skip();
    await saveNetworkSettings(home, {});
    await chmod(file, 0o644);
    expect(await thrown(() => loadNetworkSettings(home))).to.have.property("code", "home-invalid");
  });

  for (const text of ["", "{", "[]", '{"proxxy":"none"}', '{"legTransport":"udp"}', '{"proxy":{"canary":1}}']) {
    it(`are refused, naming the file and no value, where they are ${JSON.stringify(text)}`, async () => {
      await writeFile(file, text, { mode: 0o600 });
      const error = await thrown(() => loadNetworkSettings(home));
      expect(error).to.have.property("code", "home-invalid");
      expect(error.message).to.contain(file);
    });
  }
});
