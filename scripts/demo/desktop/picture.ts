import { writeFile } from "node:fs/promises";

import { DemoFailure } from "../demo-failure.ts";
import { TemporaryFolder } from "../temporary-folder.ts";
import type { ScreenSize, VirtualDisplay } from "./virtual-display.ts";

/** A screen's content: three bytes (red, green, blue) a pixel, row by row. */
export interface Picture {
  readonly size: ScreenSize;
  readonly pixels: Buffer;
}

/** The colour of the known picture's top left corner, a block of {@link MARK_SIZE} pixels a side. */
export const MARK_COLOUR: readonly [number, number, number] = [18, 154, 97];

/** See {@link MARK_COLOUR}. */
export const MARK_SIZE = 48;

/** A picture that no screen shows by chance: gradients, fine detail that lossy codecs lose, and the mark in a corner. */
export function knownPicture(size: ScreenSize): Picture {
  const pixels = Buffer.alloc(size.width * size.height * 3);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const inMark = x < MARK_SIZE && y < MARK_SIZE;
      const colour = inMark
        ? MARK_COLOUR
        : [Math.floor((x * 255) / size.width), Math.floor((y * 255) / size.height), (x ^ y) & 0xff];
      pixels.set(colour, (y * size.width + x) * 3);
    }
  }
  return { size, pixels };
}

/** Paints a picture on a display's root window, where it stays. @throws DemoFailure when it is not there afterwards. */
export async function paintRoot(display: VirtualDisplay, picture: Picture, signal?: AbortSignal): Promise<void> {
  await using folder = await TemporaryFolder.create("picture");
  const file = folder.file("root.ppm");
  const header = Buffer.from(`P6\n${picture.size.width} ${picture.size.height}\n255\n`);
  await writeFile(file, Buffer.concat([header, picture.pixels]));
  // ImageMagick 6 ends with code 1 after painting a root window, without a word; what counts is what can be seen.
  await using painter = await display.startProgram("the painter", "display", ["-window", "root", file]);
  await painter.exited;
  const wrong = differentPixels(picture, await capture(display, signal));
  if (wrong > 0) {
    throw new DemoFailure(`painting display ${display.name} left ${wrong} pixels wrong`, { log: painter.tail() });
  }
}

/** What a display shows now. */
export async function capture(display: VirtualDisplay, signal?: AbortSignal): Promise<Picture> {
  const pixels = await display.run("import", ["-window", "root", "-depth", "8", "rgb:-"], signal);
  return { size: display.size, pixels };
}

/** Writes what a display shows now to a PNG file. */
export async function saveScreenshot(display: VirtualDisplay, file: string, signal?: AbortSignal): Promise<void> {
  await display.run("import", ["-window", "root", `png:${file}`], signal);
}

/** How many pixels of two pictures differ; all of them when the sizes do. */
export function differentPixels(one: Picture, other: Picture): number {
  if (one.pixels.length !== other.pixels.length) return one.size.width * one.size.height;
  let count = 0;
  for (let at = 0; at < one.pixels.length; at += 3) {
    if (one.pixels.compare(other.pixels, at, at + 3, at, at + 3) !== 0) count++;
  }
  return count;
}

/** The colour at a place, 0,0 being the top left. */
export function colourAt(picture: Picture, x: number, y: number): [number, number, number] {
  const at = (y * picture.size.width + x) * 3;
  return [picture.pixels[at] ?? -1, picture.pixels[at + 1] ?? -1, picture.pixels[at + 2] ?? -1];
}

/** How many colours a picture has, counted up to `limit`: a screen on which nothing was drawn has one. */
export function countColours(picture: Picture, limit: number): number {
  const colours = new Set<number>();
  for (let at = 0; at < picture.pixels.length && colours.size < limit; at += 3) {
    colours.add(picture.pixels.readUIntBE(at, 3));
  }
  return colours.size;
}
