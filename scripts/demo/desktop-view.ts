import { DemoFailure } from "./demo-failure.ts";
import { capture, colourAt, countColours, differentPixels, MARK_COLOUR, saveScreenshot } from "./desktop/picture.ts";
import type { Picture } from "./desktop/picture.ts";
import { RdpClient } from "./desktop/rdp-client.ts";
import type { DemoTarget } from "./target.ts";

/** A screen that shows a desktop and not just a colour. */
const FEWEST_COLOURS = 16;
/** A desktop's clock may have moved on between two looks. */
const MOST_DIFFERENT = 0.02;

/** Starts an RDP client against the loopback listener: on a display of its own, or on the named one. */
export async function openDesktop(options: {
  readonly address: string;
  readonly target: DemoTarget;
  readonly display: string | undefined;
  readonly signal: AbortSignal;
}): Promise<RdpClient> {
  const { address, target, display, signal } = options;
  const credentials = target.kind === "demonstration" ? { credentials: target.desktop.credentials } : {};
  return await RdpClient.start({ address, signal, ...credentials, ...(display === undefined ? {} : { display }) });
}

/**
 * Waits until the client's own display shows the desktop: for the demonstration desktop the same as its own screen, for an
 * unknown one more than a few colours, that have come to rest.
 *
 * @throws DemoFailure when it does not come.
 */
export async function desktopDrawn(client: RdpClient, target: DemoTarget, signal: AbortSignal): Promise<void> {
  let before: Picture | undefined;
  await client.drawn(async (seen) => {
    if (target.kind === "demonstration") return showsSame(seen, await capture(target.desktop.display, signal));
    const hasSettled = before !== undefined && isNearly(seen, before);
    before = seen;
    return hasSettled && countColours(seen, FEWEST_COLOURS) === FEWEST_COLOURS;
  }, signal);
}

/** Writes what the client's own display shows to a PNG file. @throws DemoFailure when that cannot be written. */
export async function writeScreenshot(client: RdpClient, file: string, signal: AbortSignal): Promise<void> {
  if (!client.display) throw new DemoFailure("the RDP client has no display of its own");
  try {
    await saveScreenshot(client.display, file, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw new DemoFailure(`the screenshot ${file} could not be written`, {
      remedy: "Start the demonstration in a folder that can be written.",
      cause,
    });
  }
}

function showsSame(seen: Picture, shown: Picture): boolean {
  const [red, green, blue] = colourAt(seen, 0, 0);
  const hasMark = red === MARK_COLOUR[0] && green === MARK_COLOUR[1] && blue === MARK_COLOUR[2];
  return hasMark && isNearly(seen, shown);
}

function isNearly(one: Picture, other: Picture): boolean {
  return differentPixels(one, other) < one.size.width * one.size.height * MOST_DIFFERENT;
}
