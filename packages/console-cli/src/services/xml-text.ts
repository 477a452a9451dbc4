import { DrawbridgeError } from "@drawbridge/dataplane";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text as XML 1.0 has it. Errors: `invalid-argument` for characters that XML cannot hold. */
export function xmlText(text: string): string {
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f\ufffe\uffff]/.test(text) || !text.isWellFormed()) {
    throw new DrawbridgeError("invalid-argument", `${JSON.stringify(text)} has a character that XML cannot hold`);
  }
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
