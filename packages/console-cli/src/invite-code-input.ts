import { DrawbridgeError } from "@drawbridge/dataplane";
import { readStandardInput } from "./standard-input.ts";

/** Far longer than any code. */
const MAX_INPUT_BYTES = 64 * 1024;

/** The code of an argument, or of standard input where the argument is `-`. */
export async function readCode(argument: string): Promise<string> {
  if (argument !== "-") return argument;
  const text = (await readStandardInput(MAX_INPUT_BYTES)).trim();
  if (text === "") {
    throw new DrawbridgeError("invite-invalid", "no invite code came on standard input", {
      remedy: "Pipe the code in, or type it and end with Ctrl-D.",
    });
  }
  return codeOfJson(text) ?? text;
}

/** `invite --json` prints an object; piped as it is, its code is meant. */
function codeOfJson(text: string): string | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { code } = JSON.parse(text) as { code?: unknown };
    return typeof code === "string" ? code : undefined;
  } catch {
    return undefined;
  }
}
