import { DrawbridgeError, formatAddress } from "@drawbridge/dataplane";
import { findExecutable } from "./find-executable.ts";
import type { ClientCommand, ClientTarget, RdpClient } from "./rdp-client.ts";

const MAX_TEMPLATE_LENGTH = 4_096;

/**
 * A client of the operator's own choice, given as a command line such as `vinagre "rdp://{address}"`.
 *
 * The template is split at spaces; single or double quotes keep spaces together, and nothing else is special: no shell
 * sees it, a backslash is a backslash. In every word `{host}`, `{port}`, `{address}` (host:port) and `{user}` (empty
 * where none was named) are replaced, after the splitting, so that a value always stays within its word.
 *
 * @throws DrawbridgeError `invalid-argument` for a template that names no program or no address
 */
export function customClient(template: string): RdpClient {
  const words = splitTemplate(template);
  const [program] = words;
  if (program === undefined) throw badTemplate("names no program");
  if (!/\{(host|address)\}/.test(template)) throw badTemplate("says nowhere where the address goes");
  return {
    name: "custom",
    howToGet: `Install ${program}, or give its full path.`,
    displays: [],
    async find(environment) {
      const file = await findExecutable([program], environment);
      return file === undefined
        ? undefined
        : {
            name: "custom",
            path: file,
            endsWithItself: true,
            command: (target) => customCommand(file, words.slice(1), target),
          };
    },
  };
}

/** The command line of a template whose words were split already. */
export function customCommand(file: string, words: readonly string[], target: ClientTarget): ClientCommand {
  const { address, user, extraArgs } = target;
  const values: Readonly<Record<string, string>> = {
    host: address.host,
    port: String(address.port),
    address: formatAddress(address),
    user: user ?? "",
  };
  const fill = (word: string): string =>
    word.replace(/\{(host|port|address|user)\}/g, (whole, name: string) => values[name] ?? whole);
  const notes: string[] = [];
  if (user !== undefined && !words.some((word) => word.includes("{user}"))) {
    notes.push("The client's command says nowhere where the user name goes: type it where the client asks.");
  }
  if (hasOptions(target)) notes.push("A client of your own takes its options from its own arguments.");
  return { file, args: [...words.map(fill), ...extraArgs], notes, endsWithItself: true };
}

const hasOptions = ({ size, fullScreen, multiMonitor, clipboard, drive, admin }: ClientTarget): boolean =>
  [size, fullScreen, multiMonitor, clipboard, drive, admin].some((option) => option !== undefined);

/** Splits a template into words at spaces outside quotes. */
function splitTemplate(template: string): string[] {
  if (template.length > MAX_TEMPLATE_LENGTH) throw badTemplate(`is longer than ${MAX_TEMPLATE_LENGTH} characters`);
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const character of template) {
    if (character === quote) {
      quote = undefined;
    } else if (quote === undefined && /["']/.test(character)) {
      quote = character;
      word ??= "";
    } else if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== undefined) throw badTemplate(`has a quote ${quote} that is not closed`);
  return word === undefined ? words : [...words, word];
}

const badTemplate = (problem: string): DrawbridgeError =>
  new DrawbridgeError("invalid-argument", `the client's command ${problem}`, {
    remedy: "Write a program and its arguments, for example: my-client --host {host} --port {port}.",
  });
