/**
 * Characters that steer a terminal or rearrange a line instead of showing themselves: C0, DEL and C1 controls, line and
 * paragraph separators, marks and overrides of the writing direction (https://trojansource.codes), lone surrogates.
 */
const STEERING = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * Makes text that came from elsewhere harmless to print: what would steer the terminal is shown as an escape, `\x1b` or
 * `\u202e`. Ordinary text of any script is unchanged. The result is one line.
 */
export const plainText = (text: string): string => text.replace(STEERING, visibleEscape);

/** As {@link plainText}, for text that is JSON: the escapes are JSON's, so that the value stays the same. */
export const plainJson = (json: string): string =>
  json.replace(STEERING, (character) => `\\u${hex(character).padStart(4, "0")}`);

function visibleEscape(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  const code = hex(character);
  return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
}

const hex = (character: string): string => character.charCodeAt(0).toString(16);

/** A template whose inserted values go through {@link plainText}: `` plain`tenant ${name} is online` ``. */
export const plain = (strings: TemplateStringsArray, ...values: readonly (string | number | bigint)[]): string =>
  String.raw({ raw: strings }, ...values.map((value) => plainText(String(value))));
