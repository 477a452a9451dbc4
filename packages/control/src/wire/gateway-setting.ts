import { DrawbridgeError, parseGatewayAddress } from "@drawbridge/dataplane";
import { z } from "zod";

/** A setting that says where a provider is reached, written as in an invite code. */
export const gatewaySetting = z.string().superRefine((text, context) => {
  try {
    parseGatewayAddress(text);
  } catch (error) {
    if (!(error instanceof DrawbridgeError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});
