import { InvalidArgumentError } from "@commander-js/extra-typings";

const MOST = 1_000_000;

/** Reads a limit, a whole number from 1 to 1,000,000. For commander: what is none is wrong use. */
export function parseCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MOST) throw new InvalidArgumentError("Write a whole number from 1 to 1000000.");
  return count;
}
