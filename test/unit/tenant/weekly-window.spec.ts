import { expect } from "chai";
import fc from "fast-check";

import type { Day } from "../../../packages/control/src/tenant/policy/weekly-window.ts";
import { DAY_MINUTES, DAYS, WeeklyWindow } from "../../../packages/control/src/tenant/policy/weekly-window.ts";

const MINUTE_MS = 60_000;
const OFFICE: readonly Day[] = ["mon", "tue", "wed", "thu", "fri"];
const at = (iso: string): number => Date.parse(iso);

describe("a weekly window", () => {
  it("holds the hours of its days, the first minute in and the last out", () => {
    const window = new WeeklyWindow({ days: OFFICE, from: 8 * 60, to: 18 * 60, zone: "UTC" });
    expect(window.contains(at("2026-11-20T07:59:59Z"))).to.be.false;
    expect(window.contains(at("2026-11-20T08:00:00Z"))).to.be.true;
    expect(window.contains(at("2026-11-20T17:59:59Z"))).to.be.true;
    expect(window.contains(at("2026-11-20T18:00:00Z"))).to.be.false;
    expect(window.contains(at("2026-11-21T12:00:00Z"))).to.be.false;
  });

  it("across midnight belongs to the day on which it began", () => {
    const window = new WeeklyWindow({ days: ["sat"], from: 22 * 60, to: 6 * 60, zone: "UTC" });
    expect(window.contains(at("2026-11-21T05:00:00Z"))).to.be.false;
    expect(window.contains(at("2026-11-21T22:00:00Z"))).to.be.true;
    expect(window.contains(at("2026-11-22T05:59:00Z"))).to.be.true;
    expect(window.contains(at("2026-11-22T06:00:00Z"))).to.be.false;
    expect(window.contains(at("2026-11-22T22:00:00Z"))).to.be.false;
  });

  it("is by the clock on the wall of its zone, in summer and in winter", () => {
    const window = new WeeklyWindow({ days: OFFICE, from: 8 * 60, to: 9 * 60, zone: "Europe/Berlin" });
    expect(window.contains(at("2026-07-01T06:30:00Z"))).to.be.true;
    expect(window.contains(at("2026-12-01T06:30:00Z"))).to.be.false;
    expect(window.contains(at("2026-12-01T07:30:00Z"))).to.be.true;
  });

  it("is by the machine's clock where it names no zone", () => {
    const now = new Date(2026, 10, 20, 8, 30).getTime();
    expect(new WeeklyWindow({ days: ["fri"], from: 8 * 60, to: 9 * 60 }).contains(now)).to.be.true;
    expect(new WeeklyWindow({ days: ["thu"], from: 8 * 60, to: 9 * 60 }).contains(now)).to.be.false;
  });

  it("holds no time that is none, and never throws", () => {
    const window = new WeeklyWindow({ days: DAYS, from: 0, to: DAY_MINUTES, zone: "Pacific/Chatham" });
    for (const time of [NaN, Infinity, -Infinity, 8.64e15 + 1]) expect(window.contains(time)).to.be.false;
    fc.assert(fc.property(fc.double(), (time) => void window.contains(time)));
    expect(window.contains(8.64e15)).to.be.true;
  });

  it("agrees with counting the minutes of a week, in any fixed zone", () => {
    const days = fc.uniqueArray(fc.constantFrom(...DAYS), { minLength: 1 });
    const minute = fc.integer({ min: 0, max: DAY_MINUTES - 1 });
    const sample = fc.record({
      days,
      from: minute,
      to: minute,
      offset: fc.integer({ min: -12, max: 12 }),
      time: minute,
    });
    fc.assert(
      fc.property(sample, fc.integer({ min: 0, max: 6 }), ({ days, from, to, offset, time }, day) => {
        fc.pre(from !== to);
        // The signs of Etc/GMT zones are the other way round.
        const zone = `Etc/GMT${offset > 0 ? "-" : "+"}${Math.abs(offset)}`;
        const window = new WeeklyWindow({ days, from, to, zone });
        // 2026-11-22 was a Sunday.
        const wall = at("2026-11-22T00:00:00Z") + (day * DAY_MINUTES + time) * MINUTE_MS;
        const length = (to - from + DAY_MINUTES) % DAY_MINUTES;
        const week = 7 * DAY_MINUTES;
        const inside = days.some((name) => {
          const begin = DAYS.indexOf(name) * DAY_MINUTES + from;
          return (day * DAY_MINUTES + time - begin + week) % week < length;
        });
        expect(window.contains(wall - offset * 60 * MINUTE_MS)).to.equal(inside);
      }),
    );
  });
});
