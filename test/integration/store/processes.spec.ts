import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { StoreHome } from "./store-home.ts";

const WRITER = fileURLToPath(new URL("store-writer.ts", import.meta.url));

interface Acknowledged {
  readonly sequence: number;
  readonly epoch: number;
}

type Writer = ChildProcessByStdio<null, Readable, null>;

function startWriter(path: string, name: string, writes: number): Writer {
  return spawn(process.execPath, [WRITER, path, name, String(writes)], { stdio: ["ignore", "pipe", "inherit"] });
}

/** All that the writer reports until it ends; it is killed once it has reported `killAfter` writes. */
async function acknowledged(writer: Writer, killAfter = Infinity): Promise<readonly Acknowledged[]> {
  const closed = once(writer, "close");
  const reports: Acknowledged[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    const [sequence, epoch] = line.split(" ").map(Number);
    // A line that the kill cut off was acknowledged to nobody.
    if (sequence === undefined || epoch === undefined) continue;
    reports.push({ sequence, epoch });
    if (reports.length === killAfter) writer.kill("SIGKILL");
  }
  await closed;
  return reports;
}

describe("the store and several processes", function () {
  this.timeout(60_000);
  let home: StoreHome;

  beforeEach(async () => {
    home = await StoreHome.make();
  });

  afterEach(() => home[Symbol.asyncDispose]());

  it("opens for processes that start together on a fresh file", async () => {
    const reports = await Promise.all(["a", "b", "c"].map((name) => acknowledged(startWriter(home.path, name, 5))));
    expect(reports.map(({ length }) => length)).to.deep.equal([5, 5, 5]);
    const store = await home.open();
    expect(await store.audit.verify()).to.include({ state: "intact", records: 15 });
  });

  it("takes writes of a second process while the first holds it open and writes too", async () => {
    const store = await home.open();
    let own = 0;
    const childDone = new AbortController();
    const writing = acknowledged(startWriter(home.path, "child", 50)).finally(() => childDone.abort());
    while (!childDone.signal.aborted) {
      await store.audit.append("session-opened", { tenant: "parent" }, Date.now());
      own += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const reports = await writing;
    expect(reports).to.have.length(50);
    expect(await store.audit.verify()).to.include({ state: "intact", records: 50 + own });
    expect(await store.principals.nextEpoch("child")).to.equal(51);
  });

  it("loses nothing that was acknowledged when a writer is killed", async () => {
    for (const killAfter of [1, 17, 120]) {
      const reports = await acknowledged(startWriter(home.path, "child", 0), killAfter);
      const last = reports.at(-1)!;
      const store = await home.open();
      const verification = await store.audit.verify();
      expect(verification.state).to.equal("intact");
      const [record] = await store.audit.read({ afterSequence: last.sequence - 1, limit: 1 });
      expect(record?.sequence).to.equal(last.sequence);
      expect(await store.principals.nextEpoch("child")).to.be.greaterThan(last.epoch);
      await store.close();
    }
  });
});
