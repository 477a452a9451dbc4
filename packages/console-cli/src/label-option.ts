import { InvalidArgumentError } from "@commander-js/extra-typings";

/** The contract's limit of a reason or a ticket. */
const MAX_BYTES = 1_024;

/** Takes a reason or a ticket, at most 1 KiB. For commander: a longer one is wrong use. */
export function parseLabel(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) throw new InvalidArgumentError(`It has ${bytes} bytes, more than ${MAX_BYTES}.`);
  return text;
}
