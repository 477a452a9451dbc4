/** A clock that is off by more than this is worth a word, in milliseconds. */
const CLOCK_TOLERANCE_MS = 120_000;

/**
 * What to say of this machine's clock; undefined where it is right.
 *
 * @param aheadMs how far it is ahead of the provider's, in milliseconds.
 * @param here what it says, in milliseconds since the Unix epoch.
 */
export function clockWarning(aheadMs: number, here: number): string | undefined {
  if (Math.abs(aheadMs) < CLOCK_TOLERANCE_MS) return undefined;
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  const side = aheadMs > 0 ? "ahead of" : "behind";
  const [ours, theirs] = [here, here - aheadMs].map((time) => new Date(time).toISOString());
  return `this machine's clock is ${minutes} min ${side} the provider's: it says ${ours}, the provider's ${theirs}; set it right, or certificates will be refused`;
}
