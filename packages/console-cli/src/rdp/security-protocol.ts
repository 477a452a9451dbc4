/*
 * The security of a connection, as RDP negotiates it: the flags of requestedProtocols and the values of
 * selectedProtocol, [MS-RDPBCGR] 2.2.1.1.1 and 2.2.1.2.1.
 */

/** The protocols by our names for them. */
export const SECURITY_PROTOCOLS = {
  /** RDP's own encryption, which proves nobody's identity. It has no flag: it is what remains. */
  rdp: 0x00,
  /** TLS; the logon happens inside the session. */
  tls: 0x01,
  /** NLA: CredSSP inside TLS, the logon comes before the session. */
  nla: 0x02,
  /** RDSTLS, which servers use among themselves when they pass a session on. */
  rdstls: 0x04,
  /** NLA with an early answer on whether the user may log on. */
  "nla-ex": 0x08,
  /** Microsoft Entra's logon. */
  aad: 0x10,
} as const;

/** One of {@link SECURITY_PROTOCOLS}. */
export type SecurityProtocol = keyof typeof SECURITY_PROTOCOLS;

const NAMES: Readonly<Record<SecurityProtocol, string>> = {
  rdp: "standard RDP security",
  tls: "TLS",
  nla: "NLA (CredSSP)",
  rdstls: "RDSTLS",
  "nla-ex": "NLA (CredSSP, early authorization)",
  aad: "Entra ID",
};

/** What people call a protocol. */
export const securityName = (protocol: SecurityProtocol): string => NAMES[protocol];

/** The protocol that a server selected; undefined for a value that the specification does not have. */
export function protocolOfValue(value: number): SecurityProtocol | undefined {
  const found = Object.entries(SECURITY_PROTOCOLS).find(([, flag]) => flag === value);
  return found?.[0] as SecurityProtocol | undefined;
}

/** Whether TLS comes next on a connection that goes on with this protocol. */
export const startsTls = (protocol: SecurityProtocol): boolean => protocol !== "rdp";
