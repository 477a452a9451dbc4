import { certificateParts, type DerElement, expected, readDer, SEQUENCE } from "./der-reader.ts";

/** One of the names that a certificate is for. */
export interface AlternativeName {
  readonly kind: "other" | "email" | "dns" | "x400" | "directory" | "edi" | "url" | "ip" | "id";
  /** A URI's text; of other kinds nobody needs it. */
  readonly uri: string;
}

// RFC 5280: the tags of GeneralName (4.2.1.6), of the parts of a certificate (4.1), and universal ones (X.680, 8.6).
const KINDS = ["other", "email", "dns", "x400", "directory", "edi", "url", "ip", "id"] as const;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const EXTENSIONS = 0xa3;
/** 2.5.29.17, encoded. */
const SUBJECT_ALTERNATIVE_NAME = Buffer.from([0x55, 0x1d, 0x11]);

/**
 * The subject alternative names of a certificate in DER, of all such extensions together.
 *
 * Reads no more than the way to them. A general parser takes half a millisecond, which is more than the verification of the
 * signature, and it would be spent on every link and every connection. Not node:crypto's `subjectAltName`: it joins the
 * names to one text, and telling them apart again has been got wrong before (CVE-2021-44532, CVE-2021-44533).
 *
 * @throws RangeError for what is no certificate in DER
 */
export function subjectAlternativeNames(der: Uint8Array): AlternativeName[] {
  const wrapped = certificateParts(der).filter(({ tag }) => tag === EXTENSIONS);
  return wrapped.flatMap(({ content }) => readDer(expected(only(content), SEQUENCE)).flatMap(namesOf));
}

function namesOf(extension: DerElement): AlternativeName[] {
  const parts = readDer(expected(extension, SEQUENCE));
  if (Buffer.compare(expected(parts[0], OBJECT_IDENTIFIER), SUBJECT_ALTERNATIVE_NAME) !== 0) return [];
  return readDer(expected(only(expected(parts.at(-1), OCTET_STRING)), SEQUENCE)).map(nameOf);
}

function nameOf({ tag, content }: DerElement): AlternativeName {
  // Context-specific; whether it is constructed follows from the kind.
  const kind = (tag & 0xc0) === 0x80 ? KINDS[tag & 0x1f] : undefined;
  if (kind === undefined) throw new RangeError("a name of an unknown kind");
  if (tag === 0x86 && content.some((byte) => byte > 0x7f)) throw new RangeError("a URI that is not ASCII");
  return { kind, uri: tag === 0x86 ? Buffer.from(content).toString("latin1") : "" };
}

function only(bytes: Uint8Array): DerElement | undefined {
  const [element, ...others] = readDer(bytes);
  if (others.length > 0) throw new RangeError("several elements where there is one");
  return element;
}
