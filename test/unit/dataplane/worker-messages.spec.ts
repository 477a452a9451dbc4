import { expect } from "chai";
import fc from "fast-check";
import {
  MAX_EARLY_BYTES,
  MAX_REPORTED_LINKS,
  readNews,
  readOrder,
  type WorkerNews,
  type WorkerOrder,
} from "../../../packages/dataplane/src/workers/worker-messages.ts";
import { DrawbridgeError } from "@drawbridge/dataplane";

const reason = { code: "revoked", message: "the tenant was revoked", remedy: "Ask your provider." } as const;
const figures = { link: 7, aToB: 14, bToA: 0, firstByteAgoMs: 1.5, lastActivityAgoMs: 0 };

const ORDERS: readonly WorkerOrder[] = [
  { kind: "start", rates: { perSession: 1024, perTenant: undefined, inAll: undefined } },
  { kind: "remote-leg", link: 0, early: new Uint8Array([1, 2, 3]) },
  { kind: "tenant-leg", link: 0, early: new Uint8Array(), tenant: "acme", session: "s-1" },
  { kind: "tenant-leg", link: 0, early: new Uint8Array(), tenant: "acme", session: undefined },
  { kind: "destroy", link: 1 },
  { kind: "ping" },
];

const NEWS: readonly WorkerNews[] = [
  { kind: "ready", protocol: 1 },
  { kind: "running", link: 3 },
  { kind: "report", links: [figures, { ...figures, link: 8, firstByteAgoMs: undefined }] },
  { kind: "ended", reason, figures },
  { kind: "ended", reason: { code: "limit-exceeded", message: "full", limit: "links" }, figures },
  { kind: "pong" },
];

/** Asserts that a message is refused as one that breaks the rules. */
function expectRefused(read: (value: unknown) => unknown, value: unknown): void {
  try {
    read(value);
  } catch (error) {
    expect(error).to.be.instanceOf(DrawbridgeError).and.to.have.property("code", "protocol-violation");
    return;
  }
  expect.fail("it was taken");
}

describe("messages between main process and worker", () => {
  it("are read as they were written", () => {
    for (const order of ORDERS) expect(readOrder(order)).to.deep.equal(order);
    for (const news of NEWS) expect(readNews(news)).to.deep.equal(news);
  });

  it("lose what does not belong to them", () => {
    expect(readOrder({ kind: "ping", link: 1 })).to.deep.equal({ kind: "ping" });
  });

  it("are refused without one of their fields, or with another kind of value in it", () => {
    const optional = new Set(["session", "remedy", "limit", "firstByteAgoMs", "perSession", "perTenant", "inAll"]);
    for (const [read, messages] of [
      [readOrder, ORDERS],
      [readNews, NEWS],
    ] as const) {
      for (const message of messages) {
        for (const field of Object.keys(message).filter((name) => !optional.has(name))) {
          expectRefused(read, { ...message, [field]: undefined });
          expectRefused(read, { ...message, [field]: Symbol("no") });
        }
      }
    }
  });

  it("are refused with numbers that count nothing", () => {
    for (const link of [-1, 0.5, Number.NaN, Infinity, 2 ** 53, "1"])
      expectRefused(readNews, { kind: "running", link });
    expectRefused(readNews, { kind: "ended", reason, figures: { ...figures, aToB: -1 } });
    expectRefused(readNews, { kind: "ended", reason: { ...reason, code: "nonsense" }, figures });
  });

  it("are refused beyond their bounds", () => {
    expectRefused(readOrder, { kind: "remote-leg", link: 0, early: new Uint8Array(MAX_EARLY_BYTES + 1) });
    expectRefused(readNews, { kind: "report", links: Array(MAX_REPORTED_LINKS + 1).fill(figures) });
    expectRefused(readNews, { kind: "ended", reason: { ...reason, message: "x".repeat(1025) }, figures });
  });

  it("are taken or refused, whatever comes", () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...[...ORDERS, ...NEWS].map(({ kind }) => kind)), (value, kind) => {
        const message = typeof value === "object" && value !== null ? { ...value, kind } : value;
        for (const read of [readOrder, readNews]) {
          try {
            read(message);
          } catch (error) {
            if (!(error instanceof DrawbridgeError)) throw error;
          }
        }
      }),
    );
  });
});
