/** One element of DER (ITU-T X.690). */
export interface DerElement {
  /** The identifier octet. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** Identifier, length and content. */
  readonly encoding: Uint8Array;
}

/** The tag of a SEQUENCE (X.680, 8.6), constructed. */
export const SEQUENCE = 0x30;

/** What is signed in a certificate (RFC 5280, 4.1: TBSCertificate), part by part. Throws a RangeError for what is none. */
export function certificateParts(der: Uint8Array): DerElement[] {
  const [certificate, ...behind] = readDer(der);
  if (behind.length > 0) throw new RangeError("something behind the certificate");
  const [toBeSigned] = readDer(expected(certificate, SEQUENCE));
  return readDer(expected(toBeSigned, SEQUENCE));
}

/** The content of an element that has to have this tag. Throws a RangeError when it has not. */
export function expected(element: DerElement | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw new RangeError("another element than a certificate has there");
  return element.content;
}

/** Elements in a row. Throws a RangeError at what is not DER, or has tags that certificates do not use. */
export function readDer(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const begin = offset;
    const tag = byteAt(bytes, offset);
    if ((tag & 0x1f) === 0x1f) throw new RangeError("a tag of several octets");
    const { length, from } = readLength(bytes, offset + 1);
    offset = from + length;
    if (offset > bytes.length) throw new RangeError("an element that is cut off");
    elements.push({ tag, content: bytes.subarray(from, offset), encoding: bytes.subarray(begin, offset) });
  }
  return elements;
}

/** X.690, 10.1: the definite form, in as few octets as possible. */
function readLength(bytes: Uint8Array, at: number): { length: number; from: number } {
  const first = byteAt(bytes, at);
  if (first < 0x80) return { length: first, from: at + 1 };
  const octets = first & 0x7f;
  if (octets === 0 || octets > 3) throw new RangeError("a length that is indefinite or too long");
  let length = 0;
  for (let index = 1; index <= octets; index += 1) length = length * 256 + byteAt(bytes, at + index);
  if (length < 0x80 || length < 256 ** (octets - 1)) throw new RangeError("a length that is longer than it must be");
  return { length, from: at + 1 + octets };
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new RangeError("an element that is cut off");
  return byte;
}
