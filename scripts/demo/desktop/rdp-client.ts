import { Child } from "../child.ts";
import { DemoFailure } from "../demo-failure.ts";
import { TemporaryFolder } from "../temporary-folder.ts";
import { until } from "../until.ts";
import type { Credentials } from "./credentials.ts";
import { capture } from "./picture.ts";
import type { Picture } from "./picture.ts";
import { desktopEnvironment, requireProgram } from "./programs.ts";
import { SCREEN_SIZE, VirtualDisplay } from "./virtual-display.ts";
import type { ScreenSize } from "./virtual-display.ts";

const DRAWN_TIMEOUT_MS = 60_000;

/** What to connect to, and how. */
export interface RdpClientOptions {
  /** `HOST:PORT` of the RDP server, or of a loopback listener on the way to it. */
  readonly address: string;
  /** Without them the client sends a name and no password, which a server with `-auth` takes. */
  readonly credentials?: Credentials;
  /** The desktop's size; {@link SCREEN_SIZE} unless told. */
  readonly size?: ScreenSize;
  /** The display to open the client on: a name such as ":0"; a virtual one of its own unless told. */
  readonly display?: string;
  readonly signal?: AbortSignal;
}

/** FreeRDP's client (xfreerdp) with a home of its own, so that it touches no known hosts of the user. */
export class RdpClient implements AsyncDisposable {
  readonly child: Child;
  /** The client's own virtual display; undefined when it was opened on another. */
  readonly display: VirtualDisplay | undefined;
  readonly #resources: AsyncDisposableStack;

  /** Starts the client; that it runs says nothing yet, see {@link drawn}. */
  static async start(options: RdpClientOptions): Promise<RdpClient> {
    await using resources = new AsyncDisposableStack();
    const home = resources.use(await TemporaryFolder.create("rdp-client"));
    const size = options.size ?? SCREEN_SIZE;
    const { signal } = options;
    const display =
      options.display === undefined
        ? resources.use(await VirtualDisplay.start({ size, ...(signal ? { signal } : {}) }))
        : undefined;
    const child = resources.use(
      await Child.start({
        name: "the RDP client",
        command: requireProgram("xfreerdp"),
        args: clientArguments(options.address, options.credentials?.user ?? "drawbridge", size),
        env: display ? { ...display.environment, HOME: home.path } : visibleEnvironment(home, options.display),
        input: `${options.credentials?.password ?? "none"}\n`,
      }),
    );
    return new RdpClient(child, display, resources.move());
  }

  private constructor(child: Child, display: VirtualDisplay | undefined, resources: AsyncDisposableStack) {
    this.child = child;
    this.display = display;
    this.#resources = resources;
  }

  /**
   * Waits until the client's own display shows what `isDrawn` accepts, and resolves to that picture.
   *
   * @throws DemoFailure when the client ends or a minute passes; the signal's reason on abort.
   */
  async drawn(isDrawn: (picture: Picture) => boolean | Promise<boolean>, signal?: AbortSignal): Promise<Picture> {
    const { display, child } = this;
    if (!display) throw new DemoFailure("the RDP client is on a display that cannot be looked at");
    const look = async (): Promise<Picture | undefined> => {
      if (child.exit) throw new DemoFailure("the RDP client ended before it drew", { log: child.tail() });
      const picture = await capture(display, signal);
      return (await isDrawn(picture)) ? picture : undefined;
    };
    return await until(look, {
      what: "the desktop's picture",
      timeoutMs: DRAWN_TIMEOUT_MS,
      intervalMs: 100,
      log: () => child.tail(),
      ...(signal ? { signal } : {}),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** `-gfx` makes the pixels exact. The password comes on standard input: arguments can be read by everyone. */
function clientArguments(address: string, user: string, size: ScreenSize): string[] {
  return [
    ...[`/v:${address}`, `/u:${user}`, "/from-stdin:force", "/cert:ignore"],
    ...[`/size:${size.width}x${size.height}`, "-gfx", "-decorations", "-grab-keyboard", "/log-level:WARN"],
  ];
}

function visibleEnvironment(home: TemporaryFolder, display: string | undefined): NodeJS.ProcessEnv {
  const authority = process.env["XAUTHORITY"] ?? `${process.env["HOME"] ?? ""}/.Xauthority`;
  return desktopEnvironment(home.path, { DISPLAY: display, XAUTHORITY: authority });
}
