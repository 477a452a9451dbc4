import { DrawbridgeError, parseAddress } from "@drawbridge/dataplane";
import { z } from "zod";

/** A setting of the form `host:port`. */
export const addressSetting = z.string().superRefine((text, context) => {
  try {
    parseAddress(text);
  } catch (error) {
    if (!(error instanceof DrawbridgeError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});
