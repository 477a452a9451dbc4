/** Finding and starting the operator's own RDP client. */
export { isWsl, systemEnvironment } from "./client-environment.ts";
export type { ClientEnvironment } from "./client-environment.ts";
export { customClient, customCommand } from "./custom.ts";
export { findExecutable } from "./find-executable.ts";
export { CLIENT_NAMES, detectClient, requireClient } from "./detect.ts";
export { launch } from "./launch.ts";
export type { ClientExit, LaunchOptions, RunningClient } from "./launch.ts";
export { startClient } from "./start-client.ts";
export type { StartedClient } from "./start-client.ts";
export type { ClientCommand, ClientTarget, FoundClient, RdpClient } from "./rdp-client.ts";
