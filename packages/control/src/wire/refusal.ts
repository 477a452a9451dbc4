import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CloseReason, DrawbridgeError } from "@drawbridge/dataplane";
import { isErrorCode } from "@drawbridge/dataplane";
import type { Refusal, RefusalSchema } from "@drawbridge/gen/drawbridge/v1/common";

const MAX_TEXT_BYTES = 1024;

/** Shortens a text to the contract's limit without cutting a character in half. */
function bounded(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_TEXT_BYTES) return text;
  return (
    bytes
      .subarray(0, MAX_TEXT_BYTES - 3)
      .toString("utf8")
      .replace(/\uFFFD+$/, "") + "…"
  );
}

/** A reason as it travels. */
export function toRefusal(reason: CloseReason | DrawbridgeError): MessageInitShape<typeof RefusalSchema> {
  return { code: reason.code, message: bounded(reason.message), remedy: bounded(reason.remedy ?? "") };
}

/** A reason as it came in. A code that is not known here becomes `internal`, as the contract says. */
export function fromRefusal(refusal: Refusal | undefined): CloseReason {
  if (refusal === undefined) return { code: "internal", message: "the other side gave no reason" };
  const code = isErrorCode(refusal.code) ? refusal.code : "internal";
  return { code, message: refusal.message, ...(refusal.remedy === "" ? {} : { remedy: refusal.remedy }) };
}
