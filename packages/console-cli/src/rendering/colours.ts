/** Puts a text into a colour, or leaves it as it is. */
export type Paint = (text: string) => string;

/** The few styles that we use. */
export interface Colours {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
}

const paint =
  (on: number, off: number): Paint =>
  (text) =>
    text === "" ? text : `\u001b[${on}m${text}\u001b[${off}m`;
const asIs: Paint = (text) => text;

const COLOURED: Colours = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
};

/** No colours at all. */
export const PLAIN: Colours = { bold: asIs, dim: asIs, red: asIs, green: asIs, yellow: asIs };

/**
 * The colours for a stream: only on a terminal. FORCE_COLOR (any value but `0`; https://force-color.org) switches them on
 * elsewhere and wins over NO_COLOR (any value; https://no-color.org), as in Node itself.
 */
export function coloursFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Colours {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined && forced !== "") return forced === "0" || forced === "false" ? PLAIN : COLOURED;
  if (env["NO_COLOR"] || env["TERM"] === "dumb") return PLAIN;
  return isTerminal ? COLOURED : PLAIN;
}
