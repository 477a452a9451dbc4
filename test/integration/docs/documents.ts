import { glob, readFile } from "node:fs/promises";

/** The repository's folder. */
export const ROOT = new URL("../../../", import.meta.url);

/** One of the project's own documents. */
export interface Document {
  /** From the repository's folder on: `docs/TENANT.md`. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a document. */
export interface Block {
  /** The line of its first line, from 1. */
  readonly line: number;
  readonly text: string;
  /** The bold words that stand last before it; empty where there are none. */
  readonly label: string;
}

/** Every document that people read; what has changed (the changelog) is no manual. */
export async function documents(): Promise<Document[]> {
  const paths = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];
  for await (const path of glob(["docs/*.md", "examples/**/README.md"], { cwd: ROOT.pathname })) {
    if (!path.includes("node_modules")) paths.push(path);
  }
  return await Promise.all(paths.toSorted().map((path) => readDocument(path)));
}

/** One document by its path. */
export async function readDocument(path: string): Promise<Document> {
  return { path, text: await readFile(new URL(path, ROOT), "utf8") };
}

/** The blocks of a document that are fenced as `language`. */
export function blocks(text: string, language: string): Block[] {
  return [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^ *\`\`\``, "gm"))].map((match) => {
    const before = text.slice(0, match.index);
    const label = [...before.matchAll(/\*\*([^*]+)\*\*/g)].at(-1)?.[1] ?? "";
    return { line: before.split("\n").length + 1, text: match[2] ?? "", label };
  });
}

/** A document without its fenced blocks, line numbers kept. */
export const withoutBlocks = (text: string): string =>
  text.replaceAll(/^ *```[^]*?^ *```/gm, (block) => block.replaceAll(/[^\n]/g, ""));

/** The text of a section, by its heading, up to the next heading of its level. */
export function section(text: string, heading: string): string {
  const start = text.indexOf(`\n## ${heading}\n`);
  if (start === -1) throw new Error(`there is no section "${heading}"`);
  const end = text.indexOf("\n## ", start + 1);
  return text.slice(start, end === -1 ? undefined : end);
}
