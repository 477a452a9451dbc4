import { stripVTControlCharacters } from "node:util";

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** East Asian wide and full-width letters, the blocks of UAX #11 that matter in names, and pictures. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|.\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u;
const INVISIBLE = /^[\p{M}\p{Cf}]+$/u;

function graphemeWidth(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** How many terminal columns a line takes. Colour codes count for nothing. */
export function displayWidth(text: string): number {
  const bare = stripVTControlCharacters(text);
  if (/^[\x20-\x7e]*$/.test(bare)) return bare.length;
  let width = 0;
  for (const { segment } of segmenter.segment(bare)) width += graphemeWidth(segment);
  return width;
}

/**
 * How many rows of a terminal a line takes that is there already: one that got narrower has wrapped it anew, as most do
 * (xterm and the Linux console do not).
 */
export const displayRows = (line: string, columns: number): number =>
  Math.max(1, Math.ceil(displayWidth(line) / Math.max(1, columns)));

/** The longest beginning of a text without colour codes that fits, with `…` at its end where something was cut off. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let taken = "";
  let left = width - 1;
  for (const { segment } of segmenter.segment(text)) {
    left -= graphemeWidth(segment);
    if (left < 0) break;
    taken += segment;
  }
  return width < 1 ? "" : `${taken}…`;
}
