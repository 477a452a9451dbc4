import { DrawbridgeError } from "@drawbridge/dataplane";

/**
 * What a file of a home holds.
 *
 * @param parse reads the file's text; whatever it throws becomes `home-invalid`, naming the file
 * @param remedy default: {@link RESTORE}
 */
export function parseHomeFile<Value>(path: string, parse: () => Value, remedy = RESTORE): Value {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof DrawbridgeError && cause.code === "home-invalid") throw cause;
    throw new DrawbridgeError("home-invalid", `${path} cannot be used: it is damaged, or is some other file`, {
      remedy,
      cause,
    });
  }
}

/** What to do about a file of an enrolled home that cannot be used. */
export const RESTORE = "Restore it from a backup, or enrol again with a new invite code and --replace.";
