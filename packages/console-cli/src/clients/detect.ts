import { DrawbridgeError } from "@drawbridge/dataplane";
import { displays, isWsl } from "./client-environment.ts";
import type { ClientEnvironment } from "./client-environment.ts";
import { customClient } from "./custom.ts";
import { macosApp } from "./macos-app.ts";
import { mstsc } from "./mstsc.ts";
import type { FoundClient, RdpClient } from "./rdp-client.ts";
import { remmina } from "./remmina.ts";
import { xfreerdp } from "./xfreerdp.ts";

const CLIENTS: readonly RdpClient[] = [mstsc, xfreerdp, remmina, macosApp];

/** What `--client` takes, beside `auto` and `none`. */
export const CLIENT_NAMES: readonly string[] = CLIENTS.map(({ name }) => name);

/** The clients that `auto` tries on a platform, best first. */
export function clientOrder(environment: ClientEnvironment): readonly RdpClient[] {
  if (environment.platform === "win32") return [mstsc, xfreerdp];
  if (environment.platform === "darwin") return [macosApp, xfreerdp];
  // Under WSL, a Linux client reaches the listener always, a Windows one only at 127.0.0.1.
  return isWsl(environment) ? [xfreerdp, remmina, mstsc] : [xfreerdp, remmina];
}

/**
 * Finds the RDP client to start.
 *
 * @param choice `auto`, one of {@link CLIENT_NAMES}, or the command line of another client: {@link customClient}
 * @throws DrawbridgeError `invalid-argument` where the name is unknown, the client is not installed, or there is no
 *   display for it; its remedy says what to install or proposes `--client none`
 */
export async function detectClient(choice: string, environment: ClientEnvironment): Promise<FoundClient> {
  return choice === "auto" ? detectAny(environment) : requireClient(clientNamed(choice), environment);
}

/**
 * Finds this client and no other.
 *
 * @throws DrawbridgeError as {@link detectClient}
 */
export async function requireClient(client: RdpClient, environment: ClientEnvironment): Promise<FoundClient> {
  if (!canDraw(client, environment)) throw noDisplay(client.name);
  const found = await client.find(environment);
  if (found) return found;
  throw new DrawbridgeError("invalid-argument", `the RDP client ${client.name} is not installed on this machine`, {
    remedy: client.howToGet,
  });
}

async function detectAny(environment: ClientEnvironment): Promise<FoundClient> {
  const order = clientOrder(environment);
  const able = order.filter((client) => canDraw(client, environment));
  for (const client of able) {
    const found = await client.find(environment);
    if (found) return found;
  }
  if (able.length < order.length) throw noDisplay("an RDP client");
  throw new DrawbridgeError("invalid-argument", "no RDP client is installed on this machine", {
    remedy: `${order[0]?.howToGet ?? ""} Or use --client none and start a client of your own.`,
  });
}

function clientNamed(name: string): RdpClient {
  if (/\{(host|address)\}/.test(name)) return customClient(name);
  const client = CLIENTS.find((candidate) => candidate.name === name);
  if (client) return client;
  throw new DrawbridgeError("invalid-argument", `"${name.slice(0, 64)}" is not an RDP client that Drawbridge knows`, {
    remedy: `Choose one of: auto, none, ${CLIENT_NAMES.join(", ")}; or give a command such as "my-client {address}".`,
  });
}

/** Windows and macOS always have a screen to draw on; elsewhere the environment names it. */
function canDraw(client: RdpClient, environment: ClientEnvironment): boolean {
  if (environment.platform === "win32" || environment.platform === "darwin" || client.displays.length === 0)
    return true;
  const there = displays(environment);
  return client.displays.some((display) => there.includes(display));
}

const noDisplay = (what: string): DrawbridgeError =>
  new DrawbridgeError(
    "invalid-argument",
    `there is no display for ${what}: neither DISPLAY nor WAYLAND_DISPLAY is set`,
    { remedy: "Use --client none and point an RDP client at the address that is printed, or run this in a desktop." },
  );
