/** What a text that somebody typed stands for among the names that there are. */
export type TenantMatch =
  | { readonly kind: "exact"; readonly name: string }
  /** The text is not a name, and only this one is like it. */
  | { readonly kind: "one"; readonly name: string }
  /** At least two, in the order of the names that were given. */
  | { readonly kind: "several"; readonly names: readonly string[] }
  | { readonly kind: "none" };

/** From the closest to the loosest; the first that fits any name decides. Both texts are in lower case. */
const LIKENESSES: readonly ((name: string, typed: string) => boolean)[] = [
  (name, typed) => name === typed,
  (name, typed) => name.startsWith(typed),
  (name, typed) => name.includes(typed),
  holdsInOrder,
];

/**
 * Finds the tenant that is meant. The exact name wins; else names are compared without regard to case: those that begin
 * with the text, else those that hold it, else those that hold its letters in their order. Pure.
 *
 * @param typed empty: every name is like it
 */
export function matchTenant(typed: string, names: readonly string[]): TenantMatch {
  if (names.includes(typed)) return { kind: "exact", name: typed };
  const wanted = typed.trim().toLowerCase();
  for (const isLike of LIKENESSES) {
    const found = names.filter((name) => isLike(name.toLowerCase(), wanted));
    const [first] = found;
    if (first === undefined) continue;
    return found.length === 1 ? { kind: "one", name: first } : { kind: "several", names: found };
  }
  return { kind: "none" };
}

function holdsInOrder(name: string, typed: string): boolean {
  let from = 0;
  for (const letter of typed) {
    const at = name.indexOf(letter, from);
    if (at < 0) return false;
    from = at + letter.length;
  }
  return true;
}
