import { randomUUID } from "node:crypto";
import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { formatAddress, type Address } from "@drawbridge/dataplane";
import type { ServerCertificate } from "../rdp/server-certificate.ts";
import type { ClientEnvironment } from "./client-environment.ts";

/**
 * Puts a certificate where FreeRDP's library keeps those that a person has accepted, for an address, in place of another
 * that is there. It is for clients that use the library and take no fingerprint on their command line. They ask whatever
 * is not found there, so failing is harmless: it never rejects.
 *
 * FreeRDP 2 has a line for each in `known_hosts2` (as 2.11.7 writes it; name and issuer are shown to people where the
 * certificate has changed, and not compared), FreeRDP 3 a PEM file for each in `server` (`libfreerdp/crypto/certificate_store.c`).
 * Both are written, because nothing tells which of the two a client was built with.
 */
export async function rememberCertificate(
  address: Address,
  certificate: ServerCertificate,
  environment: ClientEnvironment,
): Promise<void> {
  const folder = freeRdpFolder(environment);
  if (folder === undefined) return;
  try {
    await mkdir(path.join(folder, "server"), { recursive: true, mode: 0o700 });
    await rememberForTwo(path.join(folder, "known_hosts2"), address, certificate);
    for (const host of hostNames(address)) {
      await replaceFile(path.join(folder, "server", `${host}_${address.port}.pem`), certificate.pem);
    }
  } catch {
    // A home that cannot be written, or a disk that is full: then the client asks.
  }
}

/** What clients call the host: xfreerdp by its address, Remmina 1.4 by all that stands in its field for the server. */
const hostNames = (address: Address): string[] => [address.host.toLowerCase(), formatAddress(address).toLowerCase()];

function freeRdpFolder({ platform, variables }: ClientEnvironment): string | undefined {
  const { HOME: home, XDG_CONFIG_HOME: config } = variables;
  if (platform === "win32") return undefined;
  if (config) return path.join(config, "freerdp");
  return home ? path.join(home, ".config", "freerdp") : undefined;
}

async function rememberForTwo(file: string, address: Address, certificate: ServerCertificate): Promise<void> {
  const { port } = address;
  const name = Buffer.from(`CN = ${certificate.name}`).toString("base64");
  const wanted = hostNames(address).map((host) => `${host} ${port} ${certificate.fingerprint} ${name} ${name}`);
  const before = await readFile(file, "utf8").catch(() => "");
  const prefixes = hostNames(address).map((host) => `${host} ${port} `);
  const isOurs = (line: string): boolean => prefixes.some((prefix) => line.startsWith(prefix));
  const isRight = (line: string): boolean => line.split(" ")[2] === certificate.fingerprint;
  const lines = before.split("\n").filter((line) => line !== "");
  const there = lines.filter(isOurs);
  if (there.length === prefixes.length && there.every(isRight)) return;
  const start = before === "" || before.endsWith("\n") ? "" : "\n";
  // Added where nothing has to go, because FreeRDP may be adding to the file at the same time.
  if (there.length === 0) await appendFile(file, `${start}${wanted.join("\n")}\n`, { mode: 0o600 });
  else await replaceFile(file, `${[...lines.filter((line) => !isOurs(line)), ...wanted].join("\n")}\n`);
}

async function replaceFile(file: string, text: string): Promise<void> {
  const fresh = `${file}.${randomUUID()}`;
  await writeFile(fresh, text, { mode: 0o600 });
  await rename(fresh, file);
}
