import { expect } from "chai";

/** What keeps an event loop alive, and so would be a leak once the suite is over. */
const LEAKS = new Set(["TCPSocketWrap", "TCPServerWrap", "TLSWrap", "PipeWrap", "PipeServerWrap", "Timeout", "ProcessWrap"]);

const leaks = (): string[] => process.getActiveResourcesInfo().filter((resource) => LEAKS.has(resource));

const unhandled: unknown[] = [];
let atStart: string[] = [];

/** The resources that are there and were not at the start, by kind. */
function surplus(): string[] {
  const before = [...atStart];
  return leaks().filter((resource) => {
    const index = before.indexOf(resource);
    if (index >= 0) before.splice(index, 1);
    return index < 0;
  });
}

/** Fails the run on leaked sockets, timers and children, and on rejections that nobody handled. */
export const mochaHooks = {
  beforeAll(): void {
    atStart = leaks();
    process.on("unhandledRejection", (reason) => unhandled.push(reason));
  },
  afterEach(): void {
    expect(unhandled, "unhandled rejections").to.deep.equal([]);
  },
  async afterAll(this: Mocha.Context): Promise<void> {
    // Sockets that were just destroyed need some turns of the loop until their handles are closed. Mocha's own timeout
    // for this hook is one Timeout.
    const deadline = Date.now() + 5_000;
    while (surplus().filter((kind) => kind !== "Timeout").length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const left = surplus();
    const timeouts = left.filter((kind) => kind === "Timeout").length;
    expect(left.filter((kind) => kind !== "Timeout"), "leaked handles").to.deep.equal([]);
    expect(timeouts, "leaked timers").to.be.at.most(1);
  },
};
