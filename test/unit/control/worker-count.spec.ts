import { expect } from "chai";
import { cloudSettingsSchema } from "../../../packages/control/src/cloud/cloud-settings.ts";
import { workerCount } from "../../../packages/control/src/cloud/worker-count.ts";

const settings = (given: object = {}) =>
  cloudSettingsSchema.parse({ publicAddress: "cloud.example:8443", listen: "0.0.0.0:8443", ...given });

describe("workers, as the settings say", () => {
  it("are none by themselves on few cores, and one fewer than cores on more, at most 8", () => {
    const counts = [1, 2, 3, 4, 8, 9, 64].map((cores) => workerCount(settings(), cores, "linux"));
    expect(counts).to.deep.equal([0, 0, 0, 3, 7, 8, 8]);
  });

  it("are as many as named, on any number of cores", () => {
    for (const workers of [0, 1, 64]) expect(workerCount(settings({ workers }), 2, "linux")).to.equal(workers);
  });

  it("are none on Windows", () => {
    expect(workerCount(settings({ workers: 4 }), 8, "win32")).to.equal(0);
    expect(workerCount(settings(), 8, "win32")).to.equal(0);
  });

  it("are at most 64, whole, or auto", () => {
    for (const workers of [-1, 65, 1.5, "all", null]) expect(() => settings({ workers }), String(workers)).to.throw();
  });
});
