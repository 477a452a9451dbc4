import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";

import { Child } from "../child.ts";
import { DemoFailure } from "../demo-failure.ts";
import { TemporaryFolder } from "../temporary-folder.ts";
import { desktopEnvironment, requireProgram } from "./programs.ts";

const execute = promisify(execFile);
const START_TIMEOUT_MS = 20_000;
const PROGRAM_TIMEOUT_MS = 20_000;

/** A screen's size in pixels. */
export interface ScreenSize {
  readonly width: number;
  readonly height: number;
}

/** The size of every screen here, unless told otherwise. */
export const SCREEN_SIZE: ScreenSize = { width: 800, height: 600 };

/** An X server without a screen (Xvfb) with a display number of its own, which only this user can reach. */
export class VirtualDisplay implements AsyncDisposable {
  /** The display's name, such as ":3". */
  readonly name: string;
  readonly size: ScreenSize;
  /** What programs on this display need in their environment, with a private home. */
  readonly environment: NodeJS.ProcessEnv;
  readonly #resources: AsyncDisposableStack;

  /** @throws DemoFailure when Xvfb is missing or does not start. */
  static async start(options: { size?: ScreenSize; signal?: AbortSignal } = {}): Promise<VirtualDisplay> {
    const size = options.size ?? SCREEN_SIZE;
    await using resources = new AsyncDisposableStack();
    const home = resources.use(await TemporaryFolder.create("display"));
    await writeFile(home.file("xauthority"), xauthority(randomBytes(16)), { mode: 0o600 });
    const { name, child } = await startXvfb(home, size, options.signal);
    resources.use(child);
    return new VirtualDisplay(name, size, home, resources.move());
  }

  private constructor(name: string, size: ScreenSize, home: TemporaryFolder, resources: AsyncDisposableStack) {
    this.name = name;
    this.size = size;
    this.environment = desktopEnvironment(home.path, { DISPLAY: name, XAUTHORITY: home.file("xauthority") });
    this.#resources = resources;
  }

  /** Runs a program on this display to its end, and gives what it wrote. */
  async run(program: string, args: readonly string[], signal?: AbortSignal): Promise<Buffer> {
    const { stdout } = await execute(requireProgram(program), args, {
      env: this.environment,
      encoding: "buffer",
      maxBuffer: 64 * 1024 * 1024,
      timeout: PROGRAM_TIMEOUT_MS,
      ...(signal ? { signal } : {}),
    });
    return stdout;
  }

  /** Starts a program that stays on this display; the caller owns it. */
  startProgram(name: string, program: string, args: readonly string[]): Promise<Child> {
    return Child.start({ name, command: requireProgram(program), args, env: this.environment });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

async function startXvfb(home: TemporaryFolder, size: ScreenSize, signal?: AbortSignal) {
  const ready = Promise.withResolvers<string>();
  const child = await Child.start({
    name: "the X server",
    command: requireProgram("Xvfb"),
    // Without -noreset the root window clears when its last client leaves.
    args: [
      ...["-displayfd", "3", "-screen", "0", `${size.width}x${size.height}x24`, "-noreset"],
      ...["-nolisten", "tcp", "-auth", home.file("xauthority")],
    ],
    env: desktopEnvironment(home.path),
    onExtraLine: ready.resolve,
  });
  const limit = AbortSignal.any([AbortSignal.timeout(START_TIMEOUT_MS), ...(signal ? [signal] : [])]);
  const onAbort = () => ready.reject(limit.reason);
  limit.addEventListener("abort", onAbort);
  void child.exited.then(() => ready.reject(new DemoFailure("the X server ended at once", { log: child.tail() })));
  try {
    return { name: `:${await ready.promise}`, child };
  } catch (error) {
    await child.stop();
    throw error;
  } finally {
    limit.removeEventListener("abort", onAbort);
  }
}

/** An authority file with one entry for every display, in the format of libXau's Xauth(3): big-endian counted fields. */
function xauthority(cookie: Buffer): Buffer {
  const familyWild = Buffer.from([0xff, 0xff]);
  const fields = [Buffer.alloc(0), Buffer.alloc(0), Buffer.from("MIT-MAGIC-COOKIE-1"), cookie];
  return Buffer.concat([familyWild, ...fields.flatMap((field) => [Buffer.from([0, field.length]), field])]);
}
