import { expect } from "chai";
import type { TenantEntry } from "@drawbridge/control/remote";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { matchTenant } from "../../../packages/console-cli/src/console/match-tenant.ts";
import { resolveTenant } from "../../../packages/console-cli/src/console/resolve-tenant.ts";

const NAMES = ["acme", "acme-labs", "globex", "initech", "north-acme"];

describe("matchTenant", () => {
  it("prefers the exact name, then a beginning, then a part, then letters in their order", () => {
    expect(matchTenant("acme", NAMES)).to.deep.equal({ kind: "exact", name: "acme" });
    expect(matchTenant("acme-", NAMES)).to.deep.equal({ kind: "one", name: "acme-labs" });
    expect(matchTenant("ac", NAMES)).to.deep.equal({ kind: "several", names: ["acme", "acme-labs"] });
    expect(matchTenant("labs", NAMES)).to.deep.equal({ kind: "one", name: "acme-labs" });
    expect(matchTenant("glx", NAMES)).to.deep.equal({ kind: "one", name: "globex" });
    expect(matchTenant("zzz", NAMES)).to.deep.equal({ kind: "none" });
  });

  it("does not care about upper case, and finds all for nothing", () => {
    expect(matchTenant("GlobEx", NAMES)).to.deep.equal({ kind: "one", name: "globex" });
    expect(matchTenant("", NAMES)).to.deep.equal({ kind: "several", names: NAMES });
    expect(matchTenant("", [])).to.deep.equal({ kind: "none" });
  });
});

describe("resolveTenant", () => {
  const tenants = NAMES.map((name) => ({ name, state: name === "acme" ? "offline" : "online" }) as TenantEntry);

  async function resolve(typed: string, canAsk: boolean) {
    const notes: string[] = [];
    const asked: string[][] = [];
    const output = { note: (text: string) => void notes.push(text) };
    const pick = (_message: string, offered: readonly TenantEntry[]): Promise<string> => {
      asked.push(offered.map(({ name }) => name));
      return Promise.resolve(asked[0]?.[0] ?? "");
    };
    const question = { typed, tenants, output, canAsk, signal: new AbortController().signal };
    const outcome = await resolveTenant(question, pick).catch((error: unknown) => error);
    return { outcome, notes, asked };
  }

  it("says which tenant it takes before it takes it", async () => {
    const { outcome, notes, asked } = await resolve("glo", true);
    expect(outcome).to.equal("globex");
    expect(notes).to.deep.equal(["drawbridge: there is no tenant glo: taking globex, the only one like it."]);
    expect(asked).to.deep.equal([]);
  });

  it("lets a person choose among several, those that are online first", async () => {
    const { outcome, asked } = await resolve("ac", true);
    expect(outcome).to.equal("acme-labs");
    expect(asked).to.deep.equal([["acme-labs", "acme"]]);
  });

  it("guesses nothing where nobody can be asked, and lists what fits", async () => {
    for (const [typed, listed] of [
      ["glo", "globex"],
      ["ac", "acme, acme-labs"],
    ] as const) {
      const { outcome, asked } = await resolve(typed, false);
      expect(outcome).to.be.instanceOf(DrawbridgeError).with.property("code", "tenant-not-found");
      expect((outcome as DrawbridgeError).remedy).to.contain(`Did you mean: ${listed}?`);
      expect(asked).to.deep.equal([]);
    }
  });

  it("refuses what is like no name", async () => {
    const { outcome } = await resolve("zzz", true);
    expect(outcome).to.have.property("code", "tenant-not-found");
  });
});
