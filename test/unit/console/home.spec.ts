import { expect } from "chai";
import { resolveHome } from "../../../packages/console-cli/src/home.ts";

describe("resolveHome", () => {
  const env = { DRAWBRIDGE_HOME: "/srv/bridge", XDG_DATA_HOME: "/data", HOME: "/home/ada" };

  it("takes --home before everything else, and gives each role a folder of its own in it", () => {
    expect(resolveHome("/opt/home", env, "linux", "cloud")).to.equal("/opt/home/cloud");
    expect(resolveHome("/opt/home", env, "linux", "tenant")).to.equal("/opt/home/tenant");
    expect(resolveHome("/opt/home", env, "linux", "operator")).to.equal("/opt/home/operator");
  });

  it("then takes DRAWBRIDGE_HOME", () => {
    expect(resolveHome(undefined, env, "linux", "cloud")).to.equal("/srv/bridge/cloud");
  });

  it("makes a relative --home absolute", () => {
    expect(resolveHome("here", env, "linux", "cloud")).to.equal(`${process.cwd()}/here/cloud`);
  });

  it("counts an empty value as absent", () => {
    expect(resolveHome("", { ...env, DRAWBRIDGE_HOME: "" }, "linux", "cloud")).to.equal("/data/drawbridge/cloud");
  });

  it("then takes the platform's usual place", () => {
    expect(resolveHome(undefined, { HOME: "/home/ada" }, "linux", "tenant")).to.equal(
      "/home/ada/.local/share/drawbridge/tenant",
    );
    expect(resolveHome(undefined, { HOME: "/Users/ada" }, "darwin", "tenant")).to.equal(
      "/Users/ada/Library/Application Support/Drawbridge/tenant",
    );
    expect(resolveHome(undefined, { LOCALAPPDATA: "C:\\Users\\ada\\AppData\\Local" }, "win32", "tenant")).to.equal(
      "C:\\Users\\ada\\AppData\\Local\\Drawbridge\\tenant",
    );
  });

  it("ignores a relative XDG_DATA_HOME, as its specification demands", () => {
    expect(resolveHome(undefined, { HOME: "/home/ada", XDG_DATA_HOME: "data" }, "linux", "cloud")).to.equal(
      "/home/ada/.local/share/drawbridge/cloud",
    );
  });
});
