import { z } from "zod";
import { keepAliveSetting } from "../rpc/keep-alive-setting.ts";
import { SERVER_KEEP_ALIVE } from "../rpc/keep-alive.ts";
import { addressRangeSetting } from "../wire/address-range-setting.ts";
import { addressSetting } from "../wire/address-setting.ts";
import { durationSetting } from "../wire/duration.ts";
import { gatewaySetting } from "../wire/gateway-setting.ts";

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
    /** From which role upwards operators may ask for free targets, which the tenant's policy then judges. */
    freeTargets: z.enum(["operator", "admin", "nobody"]).default("operator"),
  })
  .prefault({});

/** A cap: so low that a desktop is of no use is taken for a mistake. */
const bytesPerSecond = z.int().min(1_024).max(1_000_000_000_000).optional();

/** Caps on what the links carry, in bytes per second, both directions together. Absent: without cap. */
const ratesSchema = z
  .strictObject({
    /** The links of one session together. */
    bytesPerSecondPerSession: bytesPerSecond,
    /** The links of one tenant together. */
    bytesPerSecondPerTenant: bytesPerSecond,
    /** All links together. */
    bytesPerSecondInAll: bytesPerSecond,
  })
  .prefault({});

/** The schema of `settings.json` in the cloud redirector's home. */
export const cloudSettingsSchema = z.strictObject({
  /** Where tenants and operators reach this cloud redirector; goes into invite codes, and is written as there. */
  publicAddress: gatewaySetting,
  /**
   * The same where there are several gateways, at most 8: goes into invite codes in place of `publicAddress`, and is told to
   * tenants and operators that are enrolled already. Default: none.
   */
  gateways: z.array(gatewaySetting).max(8).default([]),
  /** Where `cloud run` listens unless told otherwise, as `host:port`. */
  listen: addressSetting,
  /** Where who watches `cloud run` finds its metrics and its health, as `host:port`; best on loopback. Default: nowhere. */
  metrics: addressSetting.optional(),
  /**
   * The gateways in front, as IP addresses and CIDR ranges: whoever connects from there must send a PROXY header of version
   * 2 first, and what it says of the client's address is believed. From everybody else such a header is refused.
   */
  trustedGateways: z.array(addressRangeSetting).max(64).default([]),
  /** How long the certificates of tenants and operators are good; they renew at two thirds of it. */
  certificateLife: durationSetting.prefault("90d"),
  /** How a tenant or operator that is gone is found. */
  keepAlive: keepAliveSetting(SERVER_KEEP_ALIVE).prefault({}),
  /** How long a connection may take to say what it is, and a leg to send its preface. */
  prefaceDeadline: durationSetting
    .refine((ms) => ms >= 1_000 && ms <= 60_000, { error: "this is out of range: from 1s to 60s" })
    .prefault("5s"),
  /**
   * How many processes splice links beside the main one, 0 for none. `auto`: none below 4 cores, from there on one fewer than
   * cores, at most 8.
   */
  workers: z.union([z.literal("auto"), z.int().min(0).max(64)]).default("auto"),
  sessions: sessionsSchema,
  rates: ratesSchema,
  limits: limitsSchema,
});

/** The settings with every default filled in; times in milliseconds. */
export type CloudSettings = z.infer<typeof cloudSettingsSchema>;
/** The limits with every default filled in. */
export type CloudLimits = CloudSettings["limits"];

/** Where tenants and operators dial, as an invite code holds it. */
export const publicAddresses = ({ publicAddress, gateways }: CloudSettings): string[] =>
  gateways.length > 0 ? gateways : [publicAddress];

/** What `cloud init` writes: the rest are defaults. */
export interface InitialCloudSettings {
  publicAddress: string;
  /** Default: none. */
  gateways?: string[];
  /** Default: none. */
  trustedGateways?: string[];
  listen: string;
}
