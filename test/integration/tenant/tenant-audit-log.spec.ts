import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";

import { TenantAuditLog } from "../../../packages/control/src/tenant/tenant-audit-log.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { offer } from "../../unit/tenant/offer.ts";

const log = { info() {}, warn() {}, error() {}, debug() {} };

describe("a tenant's own audit log", () => {
  let home: string;

  beforeEach(async () => (home = await mkdtemp(join(tmpdir(), "drawbridge-home-"))));
  afterEach(() => rm(home, { recursive: true }));

  const open = () => TenantAuditLog.open(home, "acme", new FakeClock(), log);

  it("keeps what sessions do in order, and verifies", async () => {
    const audit = await open();
    const observer = audit.observer();
    observer.sessionOffered(offer("s-1", { reason: "printer" }));
    observer.sessionOpened(offer("s-1"), { consent: { by: "person", name: "maria" }, plain: true });
    observer.sessionEnded(offer("s-1"), { code: "closed", message: "done" }, { links: 2, toTarget: 3, fromTarget: 4 });
    await audit.close();
    const again = await open();
    const records = await again.records.read();
    expect(records.map(({ event }) => event)).to.deep.equal(["session-offered", "session-opened", "session-ended"]);
    expect(records[0]).to.include({ tenant: "acme", operator: "alice" });
    expect(JSON.parse(records[1]!.detailsJson)).to.deep.equal({
      session: "s-1",
      target: "rdp",
      consent: { by: "person", name: "maria" },
      plain: true,
    });
    expect(await again.records.verify()).to.include({ state: "intact", records: 3 });
    await again.close();
  });

  it("shows a record that was changed by hand", async () => {
    const audit = await open();
    for (const by of ["a", "b", "c"]) await audit.record("locked", { by });
    await audit.close();
    const file = new DatabaseSync(join(home, "audit.db"));
    file.exec('DROP TRIGGER audit_refuses_update; UPDATE audit SET details = \'{"by":"x"}\' WHERE sequence = 2');
    file.close();
    const again = await open();
    expect(await again.records.verify()).to.include({ state: "broken", sequence: 2, fault: "changed" });
    await again.close();
  });

  it("lets no session begin while it cannot be written", async () => {
    const audit = await open();
    expect(audit.obstacle()).to.be.undefined;
    const block = new DatabaseSync(join(home, "audit.db"));
    block.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END");
    await audit.record("started", {});
    expect(audit.obstacle()).to.include({ code: "unavailable" });
    block.exec("DROP TRIGGER full");
    block.close();
    await audit.record("started", {});
    expect(audit.obstacle()).to.be.undefined;
    await audit.close();
  });
});
