import path from "node:path";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { ClientTarget } from "../clients/index.ts";
import { collect } from "../common-options.ts";

/** What a command line says about the RDP client's window and what it shares. */
export interface ClientOptions {
  readonly user?: string | undefined;
  readonly size?: { readonly width: number; readonly height: number } | undefined;
  readonly fullScreen?: true | undefined;
  readonly multiMonitor?: true | undefined;
  /** commander's `--no-clipboard` makes this false, and true where nothing was said. */
  readonly clipboard: boolean;
  readonly drive?: string | undefined;
  readonly admin?: true | undefined;
  readonly clientArg: readonly string[];
}

/** `--user`: the name to log on with. */
export const userOption = () =>
  new Option("--user <name>", "the user name to log on with (default: as `config` says, or the client asks)").argParser(
    parsePlainText,
  );
/** `--size`: the desktop's size. */
export const sizeOption = () =>
  new Option("--size <WxH>", "the desktop's size in pixels, for example 1920x1080 (default: the client's)").argParser(
    parseSize,
  );
/** `--full-screen`. */
export const fullScreenOption = () => new Option("--full-screen", "fill the screen");
/** `--multi-monitor`. */
export const multiMonitorOption = () => new Option("--multi-monitor", "fill all screens");
/** `--no-clipboard`. */
export const noClipboardOption = () => new Option("--no-clipboard", "do not share the clipboard (default: shared)");
/** `--drive`: a folder to share. */
export const driveOption = () =>
  new Option("--drive <folder>", "let the desktop see this folder of yours (default: none)").argParser(parseFolder);
/** `--admin`. */
export const adminOption = () => new Option("--admin", "log on to the administrative session");
/** `--client-arg`: anything else. */
export const clientArgOption = () =>
  new Option("--client-arg <text>", "one more argument for the client, as it stands; may be repeated")
    .argParser(collect)
    .default([] as readonly string[], "none");

/** The options above as a client takes them. */
export function clientTarget(options: ClientOptions, user: string | undefined): Omit<ClientTarget, "address"> {
  const { size, fullScreen, multiMonitor, clipboard, drive, admin, clientArg } = options;
  return {
    extraArgs: clientArg,
    ...(user !== undefined && { user }),
    ...(size !== undefined && { size }),
    ...(fullScreen && { fullScreen }),
    ...(multiMonitor && { multiMonitor }),
    ...(!clipboard && { clipboard }),
    ...(drive !== undefined && { drive }),
    ...(admin && { admin }),
  };
}

/** Reads `1920x1080`. For commander: what is none is wrong use. */
export function parseSize(text: string): { width: number; height: number } {
  const [, width = "", height = ""] = /^(\d{3,5})x(\d{3,5})$/i.exec(text) ?? [];
  if (width === "") throw new InvalidArgumentError("Write width and height in pixels, for example 1920x1080.");
  return { width: Number(width), height: Number(height) };
}

function parsePlainText(text: string): string {
  if (text === "" || /\p{Cc}/u.test(text)) throw new InvalidArgumentError("It is empty or holds a control character.");
  return text;
}

/** A client may run in another working directory. Windows's drives stay as they are. */
const parseFolder = (text: string): string => (/^[A-Za-z]:\\?$/.test(text) ? text : path.resolve(parsePlainText(text)));
