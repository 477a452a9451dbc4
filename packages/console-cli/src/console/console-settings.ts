import { join } from "node:path";
import { parseHomeFile, makePrivateDirectory, readPrivateFile, writePrivateFile } from "@drawbridge/control/identity";
import { DrawbridgeError } from "@drawbridge/dataplane";

const FILE = "console.json";
const MAX_LENGTH = 4_096;

/** What `drawbridge config` knows, each with what it means. */
export const CONSOLE_KEYS = {
  client: "the RDP client that `connect` starts unless --client names another",
  user: "the user name to log on with unless --user names another",
  rdpSignThumbprint: "mstsc: the thumbprint of the certificate with which rdpsign signs .rdp files",
} as const;

/** One of {@link CONSOLE_KEYS}. */
export type ConsoleKey = keyof typeof CONSOLE_KEYS;

/** An operator's own defaults, as the home keeps them. */
export type ConsoleSettings = Readonly<Partial<Record<ConsoleKey, string>>>;

/** Reads the settings of an operator's home; without the file there are none. Errors: `home-invalid`. */
export async function loadConsoleSettings(home: string): Promise<ConsoleSettings> {
  const path = join(home, FILE);
  try {
    const text = (await readPrivateFile(path)).toString("utf8");
    return parseHomeFile(path, () => read(JSON.parse(text)), "Correct it, or remove the file.");
  } catch (error) {
    if (error instanceof DrawbridgeError && error.code === "home-missing") return {};
    throw error;
  }
}

/** Writes the settings into a home, in place of those that are there. */
export async function saveConsoleSettings(home: string, settings: ConsoleSettings): Promise<void> {
  await makePrivateDirectory(home);
  await writePrivateFile(join(home, FILE), `${JSON.stringify(settings, undefined, 2)}\n`);
}

/** Whether a text names a setting. */
export const isConsoleKey = (text: string): text is ConsoleKey => Object.hasOwn(CONSOLE_KEYS, text);

/** @throws DrawbridgeError `invalid-argument` for a value that the setting cannot have */
export function checkConsoleValue(key: ConsoleKey, value: string): void {
  const isRight =
    key === "rdpSignThumbprint" ? /^[0-9A-Fa-f]{40}([0-9A-Fa-f]{24})?$/.test(value) : !/^$|\p{Cc}/u.test(value);
  if (isRight && value.length <= MAX_LENGTH) return;
  throw new DrawbridgeError("invalid-argument", `"${value.slice(0, 80)}" cannot be ${key}`, {
    remedy: `Give ${CONSOLE_KEYS[key]}.`,
  });
}

function read(json: unknown): ConsoleSettings {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new TypeError("it is no object");
  for (const [key, value] of Object.entries(json)) {
    if (!isConsoleKey(key) || typeof value !== "string") throw new TypeError(`there is no setting ${key}`);
    checkConsoleValue(key, value);
  }
  return json;
}
