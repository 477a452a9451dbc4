import { BACKDATE_MS } from "../identity/index.ts";

/** When a certificate is good, in milliseconds since the Unix epoch. */
export interface Validity {
  notBefore: number;
  notAfter: number;
}

/** When a certificate should be renewed: two thirds of its life after it was made. Milliseconds since the Unix epoch. */
export function renewalTime({ notBefore, notAfter }: Validity): number {
  const madeAt = Math.min(notBefore + BACKDATE_MS, notAfter);
  return madeAt + ((notAfter - madeAt) * 2) / 3;
}

/** Whether it is time. */
export const needsRenewal = (validity: Validity, now: number): boolean => now >= renewalTime(validity);
