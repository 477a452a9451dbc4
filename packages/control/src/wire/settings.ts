import { DrawbridgeError } from "@drawbridge/dataplane";
import { z } from "zod";

/**
 * Reads a home's settings file.
 *
 * @param path for the error's text. Errors: `home-invalid`, naming the field.
 */
export function parseSettings<Schema extends z.ZodType>(schema: Schema, text: string, path: string): z.infer<Schema> {
  const invalid = (why: string): DrawbridgeError =>
    new DrawbridgeError("home-invalid", `${path} cannot be used: ${why}`, {
      remedy: "Correct it, or make a new home.",
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid("it is not JSON");
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw invalid(z.prettifyError(result.error).replaceAll(/\s*\n\s*/g, " "));
}
