import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { planConnect } from "../../../packages/console-cli/src/commands/connect-plan.ts";
import { parseForward } from "../../../packages/console-cli/src/forward/forward-rule.ts";
import { isRdpName } from "../../../packages/console-cli/src/rdp/is-rdp-name.ts";

const plan = (target: string[], options = {}) =>
  planConnect({ target, check: true, clientArg: [], clipboard: true, ...options }, [], {});

describe("free targets on the operator's command line", () => {
  it("are written in their one form, and once, beside named ones", async () => {
    const { targets } = await plan(["rdp", "FILES.lan.:22", "files.lan:22", "[FD00:0::5]:22"], { client: "none" });
    expect(targets).to.deep.equal(["rdp", "files.lan:22", "[fd00::5]:22"]);
    const error = await plan(["127.1:22"]).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "invalid-argument");
  });

  it("stand in a forward as well", () => {
    const { tenant, target } = parseForward("127.0.0.1:12222=acme/[FD00::5]:22");
    expect([tenant, target]).to.deep.equal(["acme", "[fd00::5]:22"]);
    expect(() => parseForward("127.0.0.1:12222=acme/0x7f.1:22")).to.throw(DrawbridgeError, "no target");
  });

  it("are RDP by their port, whatever their name", () => {
    const names = ["10.0.0.5:3389", "[fd00::5]:3389", "files.lan:3389", "rdp.lan:22", "10.0.0.5:13389", "rdp", "ssh"];
    expect(names.filter(isRdpName)).to.deep.equal([...names.slice(0, 3), "rdp"]);
  });

  it("on another port only listen, also where one is the only one, unless a client is named", async () => {
    const [one, several] = [await plan(["10.0.0.5:22"]), await plan(["10.0.0.5:22", "files.lan:443"])];
    expect([one.useOf("10.0.0.5:22"), several.useOf("files.lan:443")].map(({ kind }) => kind)).to.deep.equal([
      "listen",
      "listen",
    ]);
    const named = await plan(["10.0.0.5:22"], { client: `${process.execPath} {address}` });
    expect(named.useOf("10.0.0.5:22").kind).to.equal("client");
  });
});
