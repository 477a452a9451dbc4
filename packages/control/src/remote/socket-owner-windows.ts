import { execFile } from "node:child_process";
import { isIP } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import type { Address } from "@drawbridge/dataplane";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { LoopbackConnection, SocketOwner, SocketOwners } from "./socket-owner.ts";
import { unknownOwner } from "./socket-owner.ts";

const run = promisify(execFile);

const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * Asks Windows's own PowerShell which process holds the connecting end (Get-NetTCPConnection) and whose it is
 * (Win32_Process.GetOwnerSid, which an ordinary user is refused for the processes of others: then the owner is unknown).
 * Takes about a second a connection.
 *
 * Written from Microsoft's documentation; the script's making and the answer's reader are tested, but not yet on Windows.
 */
export class WindowsSocketOwners implements SocketOwners {
  readonly #powershell: string;

  /** @param powershell the program. A full path, because a search along PATH could find another. */
  constructor(powershell = systemPowershell()) {
    this.#powershell = powershell;
  }

  async ownerOf(connection: LoopbackConnection, signal: AbortSignal): Promise<SocketOwner> {
    const args = ["-NoProfile", "-NonInteractive", "-Command", windowsOwnerScript(connection)];
    const options = { signal, maxBuffer: MAX_OUTPUT_BYTES, encoding: "utf8", windowsHide: true } as const;
    const { stdout } = await run(this.#powershell, args, options);
    return ownerInPowershellOutput(stdout);
  }
}

/**
 * The script that prints `client=SID` and `own=SID`. Uses nothing that PowerShell's constrained language forbids, and no
 * double quotes, which would not survive Windows's command line.
 *
 * Errors: `invalid-argument` for an end that is not an IP address and a port.
 */
export function windowsOwnerScript({ client, listener }: LoopbackConnection): string {
  for (const end of [client, listener]) requireNumeric(end);
  return [
    "$ErrorActionPreference = 'Stop'",
    "function Sid($id) { (Get-CimInstance Win32_Process -Filter ('ProcessId = ' + $id) |" +
      " Invoke-CimMethod -MethodName GetOwnerSid).Sid }",
    `$connection = Get-NetTCPConnection -LocalAddress '${client.host}' -LocalPort ${client.port}` +
      ` -RemoteAddress '${listener.host}' -RemotePort ${listener.port}`,
    "'client=' + (Sid $connection.OwningProcess)",
    "'own=' + (Sid $PID)",
  ].join("; ");
}

/** Compares the two SIDs that the script printed. Never throws. */
export function ownerInPowershellOutput(output: string): SocketOwner {
  const sid = (name: string): string | undefined =>
    new RegExp(`^${name}=(S-1-[0-9-]{1,200})\\r?$`, "m").exec(output)?.[1];
  const [client, own] = [sid("client"), sid("own")];
  if (client === undefined || own === undefined) return unknownOwner("Windows does not say whose process it is");
  return client === own ? { kind: "own" } : { kind: "other", owner: client };
}

function requireNumeric({ host, port }: Address): void {
  if (isIP(host) !== 0 && !host.includes("%") && Number.isInteger(port)) return;
  throw new DrawbridgeError("invalid-argument", `${host} is not an IP address`);
}

function systemPowershell(): string {
  const root = process.env["SystemRoot"] || "C:\\Windows";
  return path.win32.join(root, "System32", "WindowsPowerShell", "v1.0", "powershell.exe");
}
