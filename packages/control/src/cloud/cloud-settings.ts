import { z } from "zod";
import { addressSetting } from "../wire/address-setting.ts";
import { durationSetting } from "../wire/duration.ts";

const count = z.int().min(1).max(1_000_000);

/** Limits on what strangers and principals can make this process hold. Each is enforced before memory is spent. */
const limitsSchema = z
  .strictObject({
    /** Sockets that have said nothing yet, by the address that they came from. */
    silentSocketsPerAddress: count.default(64),
    /** Sockets that have said nothing yet, in all. */
    silentSockets: count.default(4_096),
    /** TLS handshakes under way, by address. */
    handshakesPerAddress: count.default(64),
    /** TLS handshakes under way, in all. */
    handshakes: count.default(768),
    /** Connections without a client certificate, by address. */
    anonymousPerAddress: count.default(16),
    /** Connections without a client certificate, in all. */
    anonymous: count.default(256),
    /** Calls to Enroll by address and minute. */
    enrollmentsPerAddressPerMinute: count.default(20),
    /** Calls to Enroll in all, by minute. */
    enrollmentsPerMinute: count.default(600),
    /** Connections of one principal. */
    connectionsPerPrincipal: count.default(64),
    /** Calls that one connection may have open. */
    callsPerConnection: count.default(256),
    /** Legs waiting for their other leg, by tenant. */
    waitingLegsPerTenant: count.default(32),
    /** Legs waiting for their other leg, by address. */
    waitingLegsPerAddress: count.default(64),
    /** Legs waiting for their other leg, in all. */
    waitingLegs: count.default(4_096),
    /** Links in all. */
    links: count.default(32_768),
    linksPerSession: count.default(64),
    sessionsPerOperator: count.default(64),
    sessionsPerTenant: count.default(64),
    sessions: count.default(10_000),
    /** Invites that are not redeemed yet. */
    pendingInvites: count.default(1_000),
  })
  .prefault({});

const sessionsSchema = z
  .strictObject({
    /** The longest that a session may last. Absent: without limit. */
    longest: durationSetting.optional(),
    /** After how long without a byte a session ends. Absent: never. */
    idle: durationSetting.optional(),
    /** Whether operators must say why. */
    reasonRequired: z.boolean().default(false),
  })
  .prefault({});

/** The schema of `settings.json` in the cloud redirector's home. */
export const cloudSettingsSchema = z.strictObject({
  /** Where tenants and operators reach this cloud redirector, as `host:port`; goes into invite codes. */
  publicAddress: addressSetting,
  /** Where `cloud run` listens unless told otherwise, as `host:port`. */
  listen: addressSetting,
  /** How long the certificates of tenants and operators are good; they renew at two thirds of it. */
  certificateLife: durationSetting.prefault("90d"),
  sessions: sessionsSchema,
  limits: limitsSchema,
});

/** The settings with every default filled in; times in milliseconds. */
export type CloudSettings = z.infer<typeof cloudSettingsSchema>;
/** The limits with every default filled in. */
export type CloudLimits = CloudSettings["limits"];

/** What `cloud init` writes: the rest are defaults. */
export interface InitialCloudSettings {
  publicAddress: string;
  listen: string;
}
