import type { VirtualDisplay } from "./virtual-display.ts";

/** Milliseconds between two keys: about what a fast typist does. */
const KEY_INTERVAL_MS = 30;

/** Moves the pointer of a display, which without a window manager also says who gets the keys. */
export async function movePointer(display: VirtualDisplay, x: number, y: number): Promise<void> {
  await display.run("xdotool", ["mousemove", "--sync", String(x), String(y)]);
}

/** Presses the keys that write a text, as a person at this display would. */
export async function typeText(display: VirtualDisplay, text: string): Promise<void> {
  await display.run("xdotool", ["type", "--delay", String(KEY_INTERVAL_MS), "--", text]);
}

/** Presses one key by its X name, such as "Return". */
export async function pressKey(display: VirtualDisplay, key: string): Promise<void> {
  await display.run("xdotool", ["key", key]);
}
