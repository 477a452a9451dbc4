import { ERROR_CODES } from "@drawbridge/dataplane";
import { z } from "zod";

/*
 * What is said on the local socket, one JSON object a line. A connection carries one request; its answer is one line,
 * but for `watch`, whose answers go on until either side hangs up. An answer of another version is refused.
 */

/** The revision of the local protocol. */
export const LOCAL_VERSION = 1;

/** The longest request line, in bytes. */
export const MAX_REQUEST_BYTES = 16 * 1024;

/** The longest answer line, in bytes: 1,024 sessions and 32 requests with all their texts. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

const v = z.literal(LOCAL_VERSION);
const id = z.string().min(1).max(64);
/** The name of the account that asks. Whoever may open the socket is trusted with it. */
const by = z.string().min(1).max(255);

/** What may be asked for. */
export const localRequestSchema = z.discriminatedUnion("call", [
  z.strictObject({ v, call: z.literal("status") }),
  z.strictObject({ v, call: z.literal("requests") }),
  z.strictObject({ v, call: z.literal("watch") }),
  z.strictObject({ v, call: z.literal("approve"), id, by }),
  z.strictObject({ v, call: z.literal("refuse"), id, by, reason: z.string().max(500) }),
  /** The lock in the home was set or taken away: read it again. */
  z.strictObject({ v, call: z.literal("lock-changed"), by }),
  /** Read the policy file again. */
  z.strictObject({ v, call: z.literal("reload"), by }),
]);

const requestView = z.object({
  id: z.string(),
  operator: z.string(),
  role: z.string(),
  target: z.string(),
  /** Of a free target: the IP addresses that its host has led to, and the only ones that would be dialled. */
  addresses: z.array(z.string()).optional(),
  reason: z.string(),
  ticket: z.string(),
  sourceAddress: z.string(),
  /** As `SHA256:…`. */
  operatorKey: z.string(),
  /** Whether its links would go without end-to-end encryption: asked for, and permitted by the policy. */
  plain: z.boolean(),
  /** ISO 8601. */
  asked: z.string(),
  /** How long it still stands, in milliseconds. */
  leftMs: z.number(),
});

const sessionView = z.object({
  id: z.string(),
  operator: z.string(),
  target: z.string(),
  reason: z.string(),
  ticket: z.string(),
  sourceAddress: z.string(),
  /** ISO 8601. */
  opened: z.string(),
  /** `policy`, or the name of the person. */
  consentBy: z.string(),
  /** Whether its links go without end-to-end encryption. */
  plain: z.boolean(),
  links: z.number(),
});

const statusView = z.object({
  tenant: z.string(),
  /** The process that runs, for example to send it SIGHUP. */
  pid: z.number(),
  connection: z.discriminatedUnion("name", [
    z.object({ name: z.literal("connected"), address: z.string(), provider: z.string(), since: z.number() }),
    z.object({ name: z.literal("disconnected"), why: z.string(), since: z.number() }),
  ]),
  sessions: z.array(sessionView),
  requests: z.array(requestView),
});

const reason = { code: z.enum(ERROR_CODES), message: z.string(), remedy: z.string().optional() };

/** What may be answered. */
export const localAnswerSchema = z.discriminatedUnion("answer", [
  z.object({ v, answer: z.literal("status"), status: statusView }),
  z.object({ v, answer: z.literal("requests"), requests: z.array(requestView) }),
  z.object({ v, answer: z.literal("decided"), request: z.object({ operator: z.string(), target: z.string() }) }),
  z.object({ v, answer: z.literal("applied"), sessionsEnded: z.number(), requestsRefused: z.number() }),
  z.object({ v, answer: z.literal("error"), ...reason }),
]);

/** A request, without the version. */
export type LocalRequest = WithoutVersion<z.infer<typeof localRequestSchema>>;
/** An answer, without the version. */
export type LocalAnswer = WithoutVersion<z.infer<typeof localAnswerSchema>>;
/** A consent request, as people see it. */
export type RequestView = z.infer<typeof requestView>;
/** An open session, as people see it. */
export type SessionView = z.infer<typeof sessionView>;
/** How a running tenant redirector is. */
export type StatusView = z.infer<typeof statusView>;

type WithoutVersion<Message> = Message extends unknown ? Omit<Message, "v"> : never;
