/** Where an RDP client can be opened: on a display that a person sees, or nowhere. */
export function hasDisplay(env: NodeJS.ProcessEnv = process.env): boolean {
  if (process.platform === "win32" || process.platform === "darwin") return true;
  return Boolean(env["DISPLAY"]) || Boolean(env["WAYLAND_DISPLAY"]);
}
