/** What decides which RDP clients can run here. */
export interface ClientEnvironment {
  readonly platform: NodeJS.Platform;
  /** The process's environment variables; PATH and PATHEXT say where programs are looked for. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** A kind of screen that a graphical program can draw on under Linux and its kin. */
export type Display = "x11" | "wayland";

/** This process's environment. */
export const systemEnvironment = (): ClientEnvironment => ({ platform: process.platform, variables: process.env });

/** The displays that are named by the environment. Says nothing about whether one answers. */
export function displays({ variables }: ClientEnvironment): Display[] {
  const found: Display[] = [];
  if (variables["DISPLAY"]) found.push("x11");
  if (variables["WAYLAND_DISPLAY"]) found.push("wayland");
  return found;
}

/** Whether this is Linux inside Windows, from where Windows programs can be started. */
export const isWsl = ({ platform, variables }: ClientEnvironment): boolean =>
  platform === "linux" && Boolean(variables["WSL_DISTRO_NAME"] || variables["WSL_INTEROP"]);
