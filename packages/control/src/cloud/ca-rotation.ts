import { rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { CertificateAuthority, fromFileError, hasPrivateFile } from "../identity/index.ts";
import { loadAuthority, saveAuthority } from "./ca-files.ts";
import { issueServerCertificate } from "./server-certificate.ts";

/**
 * Where a home stands between two CAs.
 *
 * - `single`: one CA issues and is trusted
 * - `prepared`: the next one is trusted beside it, and principals learn of it as they renew
 * - `switched`: the next one issues, and the old one is still trusted
 */
export type CaStage = "single" | "prepared" | "switched";

/** Where a home stands. */
export async function caStage(path: string): Promise<CaStage> {
  if (await hasPrivateFile(join(path, "ca.next.pem"))) return "prepared";
  return (await hasPrivateFile(join(path, "ca.old.pem"))) ? "switched" : "single";
}

/** Makes the next CA, which principals learn to trust as they renew. From `single`. */
export async function prepareCa(path: string): Promise<void> {
  await expectStage(path, "single");
  const { provider } = await loadAuthority(path, "ca.pem");
  await saveAuthority(path, "ca.next.pem", await CertificateAuthority.create(provider));
}

/**
 * Lets the next CA issue. From `prepared`, once every principal has renewed since. May be repeated after a crash: the
 * next CA's file goes last, and until it has, the home is `prepared`.
 */
export async function switchCa(path: string): Promise<void> {
  await expectStage(path, "prepared");
  const next = await loadAuthority(path, "ca.next.pem");
  const current = await loadAuthority(path, "ca.pem");
  if (!current.certificateDer.equals(next.certificateDer)) await saveAuthority(path, "ca.old.pem", current);
  await saveAuthority(path, "ca.pem", next);
  await issueServerCertificate(path, next);
  await remove(join(path, "ca.next.pem"));
}

/** Trusts the old CA no longer. From `switched`, once every principal has renewed since. Its file is kept aside. */
export async function retireCa(path: string): Promise<void> {
  await expectStage(path, "switched");
  const retired = join(path, "ca.retired.pem");
  await rename(join(path, "ca.old.pem"), retired).catch((error: unknown) => {
    throw fromFileError(error, retired);
  });
}

async function expectStage(path: string, expected: CaStage): Promise<void> {
  await loadAuthority(path, "ca.pem");
  const stage = await caStage(path);
  if (stage === expected) return;
  throw new DrawbridgeError(
    "invalid-argument",
    `this step is for a home that is ${expected}, and this one is ${stage}`,
    {
      remedy: "The order is: cloud ca prepare, cloud ca switch, cloud ca retire.",
    },
  );
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    throw fromFileError(error, path);
  });
}
