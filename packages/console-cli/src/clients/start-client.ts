import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { launch, type RunningClient } from "./launch.ts";
import type { ClientCommand, ClientTarget, FoundClient } from "./rdp-client.ts";

const run = promisify(execFile);
const SIGN_TIMEOUT_MS = 30_000;

/** How a client is started. */
export interface StartClientOptions {
  /** Ends the client when aborted, where it ends with itself. */
  readonly signal: AbortSignal;
  /** The thumbprint of the certificate that signs .rdp files. Default: they are not signed. */
  readonly signThumbprint?: string | undefined;
}

/** A client that was started. */
export interface StartedClient extends RunningClient {
  readonly command: ClientCommand;
  /** Removes what was written for the client. To be called when the session is over. Never rejects. */
  readonly tidy: () => Promise<void>;
}

/**
 * Starts an RDP client. A profile file that it needs is written into a folder that only this user can read.
 *
 * Errors: `internal` where the client or rdpsign cannot be started; those of the client's command line.
 */
export async function startClient(
  client: FoundClient,
  target: Omit<ClientTarget, "profilePath">,
  { signal, signThumbprint }: StartClientOptions,
): Promise<StartedClient> {
  const folder = path.join(tmpdir(), `drawbridge-${randomUUID()}`);
  const ending = client.name === "remmina" ? "remmina" : "rdp";
  const command = client.command({ ...target, profilePath: path.join(folder, `session.${ending}`) });
  const tidy = (): Promise<void> => rm(folder, { recursive: true, force: true }).catch(() => {});
  try {
    if (command.profile !== undefined) {
      await mkdir(folder, { mode: 0o700 });
      await writeFile(command.profile.path, command.profile.text, {
        encoding: command.profile.encoding ?? "utf8",
        mode: 0o600,
      });
      if (signThumbprint !== undefined && ending === "rdp") await sign(command.profile.path, signThumbprint);
    }
    await client.prepare?.(target);
    return { ...(await launch(command, { signal })), command, tidy };
  } catch (error) {
    await tidy();
    throw error;
  }
}

/** The arguments of rdpsign (https://learn.microsoft.com/windows-server/administration/windows-commands/rdpsign). */
export const rdpSignArguments = (file: string, thumbprint: string): readonly string[] => [
  "/sha256",
  thumbprint.toUpperCase(),
  file,
];

async function sign(file: string, thumbprint: string): Promise<void> {
  try {
    await run("rdpsign.exe", rdpSignArguments(file, thumbprint), { timeout: SIGN_TIMEOUT_MS, windowsHide: true });
  } catch (cause) {
    throw new DrawbridgeError("internal", "rdpsign did not sign the .rdp file", {
      remedy: "Check the thumbprint (`drawbridge config`), and that its certificate with key is in your own store.",
      cause,
    });
  }
}
