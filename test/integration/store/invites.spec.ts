import type { PrincipalRecord, Store } from "@drawbridge/control/store";
import { expect } from "chai";
import { thrown } from "../../unit/identity/thrown.ts";
import { credential, enrol, invite } from "./enrol.ts";
import { StoreHome } from "./store-home.ts";

const DAY = 86_400_000;

describe("invites in the store", () => {
  let home: StoreHome;
  let store: Store;
  let now: number;

  beforeEach(async () => {
    now = 1_000;
    home = await StoreHome.make();
    store = await home.open({ now: () => now, maxPendingInvites: 5 });
  });

  afterEach(() => home[Symbol.asyncDispose]());

  const refusal = async (secretHash: string, kind: "tenant" | "operator" = "tenant"): Promise<string> => {
    const error = await thrown(() => store.invites.redeem(secretHash, kind, now, credential()));
    expect(error.code).to.equal("invite-invalid");
    expect((await thrown(() => store.invites.check(secretHash, kind, now))).message).to.equal(error.message);
    return error.message;
  };

  it("make a principal active with the key that redeems them", async () => {
    const made = invite({ kind: "operator", name: "ann", role: "admin", groups: ["b", "a", "b"] });
    await store.invites.create(made);
    expect((await store.invites.check(made.secretHash, "operator", now)).name).to.equal("ann");
    const key = credential();
    const record = await store.invites.redeem(made.secretHash, "operator", now, key);
    const expected: PrincipalRecord = {
      kind: "operator",
      name: "ann",
      role: "admin",
      groups: ["a", "b"],
      state: "active",
      ...key,
      enrolledAt: 1_000,
      revokedAt: undefined,
    };
    expect(record).to.deep.equal(expected);
    expect(await store.principals.find("operator", "ann")).to.deep.equal(expected);
  });

  it("are refused with a reason of its own when unknown, spent or expired", async () => {
    const spent = invite({ kind: "tenant", name: "acme" });
    await store.invites.create(spent);
    await store.invites.redeem(spent.secretHash, "tenant", now, credential());
    const late = invite({ kind: "tenant", name: "late", expiresAt: 1_001 });
    await store.invites.create(late);
    now = 1_001;
    expect(await refusal("00")).to.contain("no invite has this code");
    expect(await refusal(spent.secretHash)).to.contain("acme was redeemed already");
    expect(await refusal(late.secretHash)).to.contain("late expired at 1970-01-01T00:00:01.001Z");
    expect(await store.principals.find("tenant", "late")).to.equal(undefined);
  });

  it("stay good when tried for the wrong kind", async () => {
    const made = invite({ kind: "tenant", name: "acme" });
    await store.invites.create(made);
    expect(await refusal(made.secretHash, "operator")).to.contain("cannot enrol an operator");
    expect((await store.invites.redeem(made.secretHash, "tenant", now, credential())).name).to.equal("acme");
  });

  it("are redeemed once when two connections try at once", async () => {
    const other = await home.open({ now: () => now });
    for (let round = 0; round < 20; round += 1) {
      const made = invite({ kind: "tenant", name: `acme-${round}` });
      await store.invites.create(made);
      const outcomes = await Promise.allSettled(
        [store, other, store].map((each) => each.invites.redeem(made.secretHash, "tenant", now, credential())),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).to.have.length(1);
    }
  });

  it("give a tenant that comes back a new key, and it keeps its groups", async () => {
    const before = await enrol(store, { kind: "tenant", name: "acme", groups: ["berlin"] });
    await store.principals.setRevoked("tenant", "acme", 2_000);
    const after = await enrol(store, { kind: "tenant", name: "acme" });
    expect(after.groups).to.deep.equal(["berlin"]);
    expect(after.state).to.equal("active");
    expect(after.keyFingerprint).to.not.equal(before.keyFingerprint);
    expect((await enrol(store, { kind: "tenant", name: "acme", groups: ["bonn"] })).groups).to.deep.equal(["bonn"]);
  });

  it("give an operator that comes back the role and groups of the new invite", async () => {
    await enrol(store, { kind: "operator", name: "ann", role: "admin", groups: ["berlin"] });
    const after = await enrol(store, { kind: "operator", name: "ann", role: "viewer" });
    expect(after).to.include({ kind: "operator", role: "viewer" });
    expect(after.groups).to.deep.equal([]);
  });

  it("that are pending go with a revocation, so that nobody comes back by them", async () => {
    await enrol(store, { kind: "tenant", name: "acme" });
    const pending = invite({ kind: "tenant", name: "acme" });
    const other = invite({ kind: "tenant", name: "other" });
    await store.invites.create(pending);
    await store.invites.create(other);
    await store.principals.setRevoked("tenant", "acme", 2_000);
    expect(await refusal(pending.secretHash)).to.contain("no invite has this code");
    expect((await store.invites.check(other.secretHash, "tenant", now)).name).to.equal("other");
  });

  it("may be pending up to a limit, to which those that are over don't count", async () => {
    for (let count = 0; count < 5; count += 1) {
      await store.invites.create(invite({ kind: "tenant", name: `t${count}`, expiresAt: 5_000 }));
    }
    const error = await thrown(() => store.invites.create(invite({ kind: "tenant", name: "more" })));
    expect(error.code).to.equal("limit-exceeded");
    now = 5_000;
    await store.invites.create(invite({ kind: "tenant", name: "more" }));
  });

  it("are forgotten when long over", async () => {
    const old = invite({ kind: "tenant", name: "old", expiresAt: 2_000 });
    await store.invites.create(old);
    now = 2_000 + 7 * DAY;
    expect(await refusal(old.secretHash)).to.contain("expired");
    await store.invites.create(invite({ kind: "tenant", name: "new", expiresAt: now + DAY }));
    expect(await refusal(old.secretHash)).to.contain("no invite has this code");
  });

  it("leave no secret in the file, only its hash", async () => {
    const made = invite({ kind: "tenant", name: "acme" });
    await store.invites.create(made);
    home.tamper((database) => {
      const row = database.prepare("SELECT * FROM invites").get();
      expect(row?.["secret_hash"]).to.equal(made.secretHash);
    });
  });
});
