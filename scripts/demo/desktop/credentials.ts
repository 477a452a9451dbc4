import { randomBytes } from "node:crypto";

/** A name and a password for an RDP server. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Credentials for one desktop that starts now: a fixed name, a password that nobody can guess. */
export function freshCredentials(): Credentials {
  return { user: "drawbridge", password: randomBytes(12).toString("base64url") };
}
