import { DrawbridgeError, formatAddress } from "@drawbridge/dataplane";
import type { ClientTarget } from "./rdp-client.ts";

/** The .rdp file's way to name a whole drive. */
const DRIVE = /^([A-Za-z]):\\?$/;

/**
 * The text of an .rdp file (https://learn.microsoft.com/azure/virtual-desktop/rdp-properties). A gateway that the user has
 * set up for everything is switched off: loopback needs none. There is no password in it.
 *
 * @throws DrawbridgeError `invalid-argument` for a value that would begin a line of its own
 */
export function rdpFile(target: ClientTarget): string {
  const { address, user, size, fullScreen, multiMonitor, clipboard, drive, admin } = target;
  const lines = [
    `full address:s:${formatAddress(address)}`,
    "authentication level:i:2",
    "gatewayusagemethod:i:0",
    "gatewayprofileusagemethod:i:1",
    `screen mode id:i:${fullScreen === true || multiMonitor === true ? 2 : 1}`,
  ];
  if (user !== undefined) lines.push(`username:s:${user}`);
  if (size) lines.push(`desktopwidth:i:${size.width}`, `desktopheight:i:${size.height}`);
  if (multiMonitor === true) lines.push("use multimon:i:1");
  if (clipboard !== undefined) lines.push(`redirectclipboard:i:${clipboard ? 1 : 0}`);
  if (drive !== undefined && wholeDrive(drive) !== undefined) lines.push(`drivestoredirect:s:${wholeDrive(drive)}`);
  if (admin === true) lines.push("administrative session:i:1");
  for (const line of lines) refuseControls(line);
  return `\ufeff${lines.join("\r\n")}\r\n`;
}

/** `C:\;` for `C:` and `C:\`; undefined for anything else, because an .rdp file shares whole drives only. */
export function wholeDrive(drive: string): string | undefined {
  const letter = DRIVE.exec(drive)?.[1];
  return letter === undefined ? undefined : `${letter.toUpperCase()}:\\;`;
}

function refuseControls(line: string): void {
  if (!/\p{Cc}/u.test(line)) return;
  throw new DrawbridgeError("invalid-argument", "an option for the RDP client holds a control character", {
    remedy: "Check what --user and --drive were given.",
  });
}
