import { AddressRanges, DrawbridgeError } from "@drawbridge/dataplane";
import { z } from "zod";

/** A setting that is an IP address or a CIDR range: `192.0.2.7`, `2001:db8::/32`. */
export const addressRangeSetting = z.string().superRefine((text, context) => {
  try {
    new AddressRanges([text]);
  } catch (error) {
    if (!(error instanceof DrawbridgeError)) throw error;
    context.addIssue({ code: "custom", message: `${error.message}. ${error.remedy}` });
  }
});
