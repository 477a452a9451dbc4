/** The days of the week as a policy writes them, in the order of `Date.getDay`. */
export const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/** One of {@link DAYS}. */
export type Day = (typeof DAYS)[number];

/** The minutes of a day. */
export const DAY_MINUTES = 24 * 60;

/** What a {@link WeeklyWindow} is made of. */
export interface WeeklyWindowOptions {
  /** The days on which the window begins. */
  days: readonly Day[];
  /** The minute of the day at which it begins, 0 to 1,439. */
  from: number;
  /** The first minute of the day that is outside again, 0 to 1,440; below `from` it is one of the next day. */
  to: number;
  /** An IANA time zone such as `Europe/Berlin`. Default: the machine's. */
  zone?: string;
}

/** The latest date that there is, in milliseconds since the Unix epoch. Source: ECMA-262, Time Values. */
const MAX_TIME = 8.64e15;

/** Hours of the week, by the clock on the wall of one time zone. */
export class WeeklyWindow {
  readonly #days: ReadonlySet<number>;
  readonly #from: number;
  readonly #to: number;
  readonly #format: Intl.DateTimeFormat;

  /** @throws RangeError for a time zone that does not exist. */
  constructor({ days, from, to, zone }: WeeklyWindowOptions) {
    this.#days = new Set(days.map((day) => DAYS.indexOf(day)));
    this.#from = from;
    this.#to = to;
    this.#format = new Intl.DateTimeFormat("en-US", {
      hourCycle: "h23",
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      ...(zone !== undefined && { timeZone: zone }),
    });
  }

  /**
   * Whether a time is inside. One that is no time is not.
   * @param at milliseconds since the Unix epoch.
   */
  contains(at: number): boolean {
    if (!(Math.abs(at) <= MAX_TIME)) return false;
    const { day, minute } = this.#wallClock(at);
    if (this.#from < this.#to) return this.#days.has(day) && minute >= this.#from && minute < this.#to;
    // Across midnight: the part after it belongs to the day on which the window began.
    const dayBefore = (day + 6) % 7;
    return (this.#days.has(day) && minute >= this.#from) || (this.#days.has(dayBefore) && minute < this.#to);
  }

  #wallClock(at: number): { day: number; minute: number } {
    const parts = this.#format.formatToParts(at);
    const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((each) => each.type === type)?.value ?? "";
    const day = DAYS.indexOf(part("weekday").toLowerCase() as Day);
    return { day, minute: Number(part("hour")) * 60 + Number(part("minute")) };
  }
}
