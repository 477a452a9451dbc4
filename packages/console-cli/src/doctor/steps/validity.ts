import { counted } from "@drawbridge/control/wire";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Certificates of principals renew at two thirds of their life; one that is this far was not renewed. */
const OVERDUE_AT = 0.75;

/** From when until when a certificate is good, in milliseconds since the Unix epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** `good until 2027-02-20 (90 days left)`; says so where it is not good now. */
export function validityText({ notBefore, notAfter }: Validity, now: number): string {
  if (now < notBefore) return `good only from ${new Date(notBefore).toISOString()}`;
  if (now > notAfter) return `expired at ${new Date(notAfter).toISOString()}`;
  const days = Math.floor((notAfter - now) / DAY_MS);
  const left = days === 0 ? "less than a day" : counted(days, "day");
  return `good until ${new Date(notAfter).toISOString().slice(0, 10)} (${left} left)`;
}

/** Whether a certificate should have been renewed a good while ago. */
export const isOverdue = ({ notBefore, notAfter }: Validity, now: number): boolean =>
  now > notBefore + OVERDUE_AT * (notAfter - notBefore);
