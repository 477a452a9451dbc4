const SHOWN_BYTES = 48;

/** What well-known protocols begin with. First match wins. */
const BEGINNINGS: readonly (readonly [RegExp, string])[] = [
  [/^HTTP\/\d|^<(!doctype|html)/i, "an HTTP server"],
  [/^SSH-/, "an SSH server"],
  [/^220[ -].*(smtp|mail)/i, "a mail server"],
  [/^220[ -]/, "an FTP or mail server"],
  [/^\+OK|^\* OK/, "a mailbox server"],
  [/^RFB \d/, "a VNC server"],
  // eslint-disable-next-line no-control-regex
  [/^[\x15\x16]\x03[\x00-\x04]/, "a TLS server"],
];

/**
 * What a server that is none of RDP's seems to be, by its first bytes: `an HTTP server ("HTTP/1.1 400 Bad Request")`.
 * The bytes are shown as text, cut, with everything that is not printable ASCII as a dot.
 */
export function describeBytes(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  const kind = BEGINNINGS.find(([pattern]) => pattern.test(text))?.[1] ?? "another kind of server";
  const line = text.split(/\r?\n/, 1)[0] ?? "";
  const printable = line.replace(/[^ -~]/g, "").length;
  if (printable < line.length / 2) return `${kind} (${bytes.subarray(0, 16).toString("hex")})`;
  const shown = line.slice(0, SHOWN_BYTES).replace(/[^ -~]/g, ".");
  return `${kind} ("${shown}${line.length > SHOWN_BYTES ? "…" : ""}")`;
}
