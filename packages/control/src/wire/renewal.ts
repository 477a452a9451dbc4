/** When a certificate is good, in milliseconds since the Unix epoch. */
export interface Validity {
  notBefore: number;
  notAfter: number;
}

/** When a certificate should be renewed: at two thirds of its life. Milliseconds since the Unix epoch. */
export const renewalTime = ({ notBefore, notAfter }: Validity): number => notBefore + ((notAfter - notBefore) * 2) / 3;

/** Whether it is time. */
export const needsRenewal = (validity: Validity, now: number): boolean => now >= renewalTime(validity);
