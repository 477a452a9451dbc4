import { inspect } from "node:util";

import { leakedSince, resourcesNow } from "./leaks.ts";
import type { Resources } from "./leaks.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How long handles that were just closed may take until they are gone. */
const SETTLE_MS = 5_000;

const faults: string[] = [];
let atStart: Resources = resourcesNow();
let currentTitle = "before the first test";

// Mocha 12 swallows rejections that nobody handles, unless somebody listens. Failing in afterEach would end the whole run
// with the first of them, so they are kept for the end.
process.on("unhandledRejection", (reason) => {
  faults.push(`unhandled rejection in "${currentTitle}": ${inspect(reason)}`);
});

/** Fails the run on leaked sockets, servers, timers and children, and on rejections that nobody handled. */
export const mochaHooks = {
  async beforeAll(): Promise<void> {
    // Mocha starts a timer for a hook once it waits: one that is there in this list as in the one at the end.
    await nextTurn();
    atStart = resourcesNow();
  },
  beforeEach(this: Mocha.Context): void {
    currentTitle = this.currentTest?.fullTitle() ?? currentTitle;
  },
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(4 * SETTLE_MS);
    await nextTurn();
    const deadline = performance.now() + SETTLE_MS;
    let leaks = leakedSince(atStart);
    while (leaks.length > 0 && performance.now() < deadline) {
      await nextTurn();
      leaks = leakedSince(atStart);
    }
    if (leaks.length > 0) faults.push(`leaked:\n${leaks.join("\n")}`);
    if (faults.length > 0) throw Object.assign(new Error(faults.join("\n")), { stack: "" });
  },
};
