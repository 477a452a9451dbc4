import { cp, readFile, stat } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { ROOT } from "./build.ts";

/** A link of a document's to another place in the repository, without the part after `#`. */
const LINK = /\[([^\][]*)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)/g;

/** Copies a document and all that it leads to, each to the same place below `stage`, so that every link of theirs works. */
export async function packDocuments(stage: string, document: string): Promise<void> {
  const paths = new Set([document]);
  // What is added meanwhile is gone through as well.
  for (const path of paths) {
    await cp(join(ROOT, path), join(stage, path), { recursive: true });
    if (!path.endsWith(".md")) continue;
    for (const [, , target = ""] of (await readFile(join(ROOT, path), "utf8")).matchAll(LINK)) {
      paths.add(normalize(join(dirname(path), target)));
    }
  }
}

/**
 * A document as a package's README, where few of its fellows are: its links lead to those that are, by their paths in the
 * repository, and only name the others.
 */
export async function documentAlone(stage: string, document: string): Promise<string> {
  const isThere = async (path: string): Promise<boolean> => stat(join(stage, path)).then(Boolean, () => false);
  const text = await readFile(join(ROOT, document), "utf8");
  let alone = "";
  let end = 0;
  for (const link of text.matchAll(LINK)) {
    const [whole, words = "", target = "", fragment = ""] = link;
    const path = normalize(join(dirname(document), target));
    const there = (await isThere(path)) ? `[${words}](${path}${fragment})` : words;
    alone += text.slice(end, link.index) + there;
    end = link.index + whole.length;
  }
  return alone + text.slice(end);
}
