import { DrawbridgeError } from "@drawbridge/dataplane";
import { z } from "zod";
import { durationSetting } from "../../wire/duration.ts";
import { isHostName } from "../../wire/free-target.ts";
import { Networks } from "./networks.ts";
import { ANY } from "./policy.ts";
import { DAY_MINUTES, DAYS } from "./weekly-window.ts";

const MAX_RULES = 256;
const MAX_NAMES = 256;
const MAX_WINDOWS = 32;
const MAX_KEYS = 1_024;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** What a rule that asks leaves a person to answer, unless it says otherwise. */
const DEFAULT_TIMEOUT = "60s";

/** The text of a setting that is not there; for others, what zod says. */
const missing = { error: ({ input }: { input?: unknown }) => (input === undefined ? "this is missing" : undefined) };

/** A list, or the one thing that would stand in it. */
const listOf = <Item extends z.ZodType>(item: Item, max: number) =>
  z.preprocess(
    (value) => (Array.isArray(value) || value === undefined ? value : [value]),
    z.array(item, missing).min(1).max(max),
  );

const operatorName = z.string().regex(/^(\*|[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?)$/, {
  error: `this is no operator's name: write it as it was enrolled, or "${ANY}" for all`,
});
const targetName = z.string().regex(/^(\*|[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?)$/, {
  error: `this is no target's name: write it as in settings.json, or "${ANY}" for all`,
});
const roleName = z.enum(["viewer", "operator", "admin", ANY]);

const timeOfDay = z.string(missing).transform((text, context) => {
  const [, hours = "", minutes = ""] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  if (hours !== "" && Number(minutes) < 60 && minute <= DAY_MINUTES) return minute;
  context.addIssue({ code: "custom", message: `"${text.slice(0, 40)}" is no time of day: write for example 08:00` });
  return z.NEVER;
});

const zone = z.string().refine(isTimeZone, { error: "there is no such time zone: write for example Europe/Berlin" });

const hours = z
  .strictObject({
    days: listOf(z.enum(DAYS), DAYS.length).default([...DAYS]),
    from: timeOfDay,
    to: timeOfDay,
    zone: zone.optional(),
  })
  .refine(({ from, to }) => from !== to, { error: "from and to are the same: for a whole day write 00:00 and 24:00" })
  .refine(({ from }) => from < DAY_MINUTES, { error: "24:00 is the end of a day: begin at 00:00 of the next" });

const duration = (least: number, most: number, range: string) =>
  durationSetting.refine((ms) => ms >= least && ms <= most, { error: `this is out of range: ${range}` });

const whoAndWhen = {
  operators: listOf(operatorName, MAX_NAMES).default([]),
  roles: listOf(roleName, MAX_NAMES).default([]),
  hours: listOf(hours, MAX_WINDOWS).default([]),
};
const match = { ...whoAndWhen, targets: listOf(targetName, MAX_NAMES).default([]) };
const askTimeout = duration(SECOND_MS, HOUR_MS, "from 1s to 1h").prefault(DEFAULT_TIMEOUT);
const denyReason = z.string().max(500).default("");
const maxSession = duration(SECOND_MS, 20 * 24 * HOUR_MS, "from 1s to 20d").optional();

const plainLinks = z
  .enum(["allow", "never"], { error: "write never, or allow to give the end-to-end encryption up" })
  .default("never");

const rule = z.discriminatedUnion("decision", [
  z.strictObject({ decision: z.literal("allow"), ...match, max_session: maxSession, plain_links: plainLinks }),
  z.strictObject({
    decision: z.literal("ask"),
    ...match,
    timeout: askTimeout,
    max_session: maxSession,
    plain_links: plainLinks,
  }),
  z.strictObject({ decision: z.literal("deny"), ...match, reason: denyReason }),
]);

const hostName = z
  .string()
  .transform((text) => text.toLowerCase().replace(/\.$/, ""))
  .refine((text) => isHostName(text.replace(/^\*\./, "")), {
    error: "this is no host's name: write for example fileserver.lan, or *.lan for all below",
  });

const network = z.string().superRefine((text, context) => {
  try {
    new Networks([text]);
  } catch (error) {
    if (!(error instanceof DrawbridgeError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

const MOST_PORT = 65_535;

const portRange = z.union([z.int(), z.string()]).transform((value, context): readonly [number, number] => {
  const [, first = "", last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(value)) ?? [];
  const range = [Number(first), Number(last)] as const;
  if (first !== "" && range[0] > 0 && range[0] <= range[1] && range[1] <= MOST_PORT) return range;
  context.addIssue({ code: "custom", message: "this is no port: write for example 22, or 8000-8010" });
  return z.NEVER;
});

const names = listOf(hostName, MAX_NAMES).optional();
const networks = listOf(network, MAX_NAMES);
const ports = listOf(portRange, MAX_NAMES);

/** What lets in says where to: nothing that is left out opens a whole network, or every port. */
const opened = { ...whoAndWhen, names, networks, ports, max_session: maxSession };

const freeTargetRule = z.discriminatedUnion("decision", [
  z.strictObject({ decision: z.literal("allow"), ...opened }),
  z.strictObject({ decision: z.literal("ask"), ...opened, timeout: askTimeout }),
  z.strictObject({
    decision: z.literal("deny"),
    ...whoAndWhen,
    names,
    networks: networks.optional(),
    ports: ports.optional(),
    reason: denyReason,
  }),
]);

const fingerprint = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, {
    error: "this is no fingerprint: write SHA256:… as `drawbridge operator enroll` shows it",
  })
  .transform((text) => Buffer.from(text.slice("SHA256:".length), "base64").toString("hex"));

/** The schema of `policy.yaml`. */
export const policySchema = z.strictObject({
  rules: z.array(rule, missing).max(MAX_RULES),
  free_targets: z.array(freeTargetRule).max(MAX_RULES).default([]),
  operator_keys: z
    .record(operatorName, listOf(fingerprint, 16))
    .refine((keys) => Object.keys(keys).length <= MAX_KEYS, { error: `at most ${MAX_KEYS} operators` })
    .default({}),
  require_reason: z.boolean().default(false),
});

/** A rule as the schema reads it. */
export type RuleSettings = z.infer<typeof rule>;
/** A rule about free targets as the schema reads it. */
export type FreeTargetRuleSettings = z.infer<typeof freeTargetRule>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
