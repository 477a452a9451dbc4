import type { Child } from "../child.ts";
import { DemoFailure } from "../demo-failure.ts";
import { until } from "../until.ts";
import type { VirtualDisplay } from "./virtual-display.ts";

/** Where a terminal stands: X's geometry in characters and pixels, such as "60x8+40+40". */
export interface TerminalOptions {
  readonly geometry: string;
  /** The program that runs in it, with its arguments. The window closes when it ends. */
  readonly command: readonly string[];
  readonly title: string;
  readonly signal?: AbortSignal;
}

/** Opens an xterm and resolves once its window is on the screen. The caller owns it. */
export async function openTerminal(display: VirtualDisplay, options: TerminalOptions): Promise<Child> {
  const { geometry, command, title, signal } = options;
  const style = ["-bg", "#10202c", "-fg", "#e8f0e0", "-bw", "2", "-T", title];
  const child = await display.startProgram("the terminal", "xterm", [
    ...style,
    "-geometry",
    geometry,
    "-e",
    ...command,
  ]);
  const isVisible = async (): Promise<true | undefined> => {
    if (child.exit) throw new DemoFailure("the terminal ended at once", { log: child.tail() });
    // xdotool fails while there is no such window.
    const found = await display
      .run("xdotool", ["search", "--onlyvisible", "--name", `^${title}$`], signal)
      .catch(() => undefined);
    return found ? true : undefined;
  };
  try {
    await until(isVisible, { what: `the terminal "${title}"`, log: () => child.tail(), ...(signal ? { signal } : {}) });
  } catch (error) {
    await child.stop();
    throw error;
  }
  return child;
}
