import { z } from "zod";

/** What a log says of a session. */
export interface SessionFacts {
  operator: string;
  target: string;
  reason: string;
  ticket: string;
  /** Whether the session was opened: only then was there access. */
  opened: boolean;
  /** When it was asked for, in milliseconds since the Unix epoch. */
  time: number;
}

/** Something that two logs say differently. */
export interface AuditDifference {
  session: string;
  /** For people, one line. */
  text: string;
}

/** How two logs compare. */
export interface AuditComparison {
  /** Opened sessions of which both say the same. */
  matching: number;
  /** Opened sessions of this tenant's log that are older or newer than all of the provider's records. */
  outside: number;
  differences: AuditDifference[];
}

const details = z.looseObject({
  session: z.string(),
  target: z.string().default(""),
  reason: z.string().default(""),
  ticket: z.string().default(""),
});
const record = z.looseObject({
  time: z.union([z.number(), z.string().transform((text) => Date.parse(text))]),
  event: z.string(),
  tenant: z.string().default(""),
  operator: z.string().default(""),
  details: z.unknown().optional(),
  detailsJson: z.string().optional(),
});

/** The facts of a log's sessions, record by record. Works for the provider's log and for a tenant's. */
export class SessionLedger {
  readonly sessions = new Map<string, SessionFacts>();
  /** The times of the first and last record. */
  first = Infinity;
  last = -Infinity;

  /**
   * Takes a record, as `audit --json`, `audit export` or `tenant audit --json` prints it.
   * @param tenant records about others are passed over.
   * @returns false for what is no record.
   */
  add(json: unknown, tenant: string): boolean {
    const parsed = record.safeParse(json);
    if (!parsed.success) return false;
    const { time, event, operator } = parsed.data;
    this.first = Math.min(this.first, time);
    this.last = Math.max(this.last, time);
    if (parsed.data.tenant !== "" && parsed.data.tenant !== tenant) return true;
    const about = details.safeParse(parsed.data.details ?? parseJson(parsed.data.detailsJson));
    if (!about.success) return true;
    const { session, target, reason, ticket } = about.data;
    if (event === "session-requested" || event === "session-offered") {
      this.sessions.set(session, { operator, target, reason, ticket, opened: false, time });
    } else if (event === "session-opened") {
      const known = this.sessions.get(session) ?? { operator, target, reason, ticket, time };
      this.sessions.set(session, { ...known, opened: true });
    }
    return true;
  }
}

/** Compares what a tenant's log and the provider's say of the sessions that were opened. */
export function compareAudits(own: SessionLedger, provider: SessionLedger): AuditComparison {
  const result: AuditComparison = { matching: 0, outside: 0, differences: [] };
  for (const [session, here] of opened(own)) {
    const there = provider.sessions.get(session);
    if (there === undefined && (here.time < provider.first || here.time > provider.last)) result.outside += 1;
    else if (there === undefined || !there.opened) {
      result.differences.push({ session, text: "is in this tenant's log, but not as opened in the provider's" });
    } else {
      const texts = fields(here, there);
      if (texts.length === 0) result.matching += 1;
      for (const text of texts) result.differences.push({ session, text });
    }
  }
  for (const [session] of opened(provider)) {
    if (own.sessions.get(session)?.opened === true) continue;
    result.differences.push({ session, text: "is in the provider's log, but not as opened in this tenant's" });
  }
  return result;
}

function opened({ sessions }: SessionLedger): [string, SessionFacts][] {
  return [...sessions].filter(([, facts]) => facts.opened);
}

function fields(here: SessionFacts, there: SessionFacts): string[] {
  const names = ["operator", "target", "reason", "ticket"] as const;
  return names
    .filter((name) => here[name] !== there[name])
    .map(
      (name) => `has the ${name} ${JSON.stringify(here[name])} here, ${JSON.stringify(there[name])} at the provider`,
    );
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
