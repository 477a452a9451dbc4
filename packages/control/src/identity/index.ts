export {
  BACKDATE_MS,
  CertificateAuthority,
  CLOUD_SERVER_NAME,
  type IssuedCertificate,
  type IssueOptions,
} from "./certificate-authority.ts";
export {
  type CertificateFacts,
  certificateFacts,
  certificateFromPem,
  certificateToPem,
  splitPem,
} from "./certificate-facts.ts";
export { createCertificateRequest, MAX_CERTIFICATE_REQUEST_BYTES, publicKeyOfRequest } from "./certificate-request.ts";
export { fromFileError } from "./file-error.ts";
export { decodeInviteCode, encodeInviteCode, type InviteCode } from "./invite-code.ts";
export { hashInviteSecret, INVITE_SECRET_BYTES, InviteSecret } from "./invite-secret.ts";
export {
  certificateFingerprint,
  certificateKeyFingerprint,
  fingerprintHex,
  formatFingerprint,
  keyFingerprint,
} from "./key-fingerprint.ts";
export {
  exportPrivateKeyPem,
  exportSpki,
  generateKeyPairP256,
  importPrivateKeyPem,
  importSpkiP256,
  isP256,
  type KeyPair,
} from "./key-pair.ts";
export { principalOfCertificate } from "./peer-principal.ts";
export {
  cloudUri,
  isPrincipalKind,
  MAX_NAME_LENGTH,
  parsePrincipalUri,
  type Principal,
  type PrincipalKind,
  principalUri,
  validateGroupName,
  validatePrincipalName,
  validateProviderName,
} from "./principal.ts";
export { parseHomeFile } from "./parse-home-file.ts";
export {
  ensurePrivateFile,
  hasPrivateFile,
  makePrivateDirectory,
  readPrivateFile,
  writePrivateFile,
  type WritePrivateFileOptions,
} from "./private-file.ts";
export { type HomeRole, resolveHome } from "./resolve-home.ts";
export { type CertificateUsage, verifyIssued, type VerifyIssuedOptions } from "./verify-certificate.ts";
export {
  type EnrolledIdentity,
  isEnrolled,
  loadIdentity,
  saveAddresses,
  saveCertificate,
  saveIdentity,
} from "./enrolled-home.ts";
