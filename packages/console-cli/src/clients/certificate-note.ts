import { plain } from "../rendering/index.ts";
import type { ServerCertificate } from "../rdp/server-certificate.ts";

/**
 * What people are told where a client cannot be told which certificate is right, so that they can compare. Empty where
 * nobody has looked.
 */
export function certificateNotes(client: string, certificate: ServerCertificate | undefined): string[] {
  if (certificate === undefined) return [];
  const { name, fingerprint } = certificate;
  return [
    plain`If ${client} asks about the server's certificate: the right one is of "${name}", SHA-256 ${fingerprint}.`,
  ];
}
