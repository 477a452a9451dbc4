import { writeFile } from "node:fs/promises";

import { TemporaryFolder } from "../temporary-folder.ts";
import { freshCredentials } from "./credentials.ts";
import type { Credentials } from "./credentials.ts";
import { knownPicture, paintRoot } from "./picture.ts";
import { ShadowServer } from "./shadow-server.ts";
import { openTerminal } from "./terminal.ts";
import { SCREEN_SIZE, VirtualDisplay } from "./virtual-display.ts";

/** Something alive on the screen: a clock and the machine's load, once a second. Ends with the terminal that it writes to. */
const SCRIPT = `#!/bin/sh
count=0
while printf '\\033[H\\033[2J\\n   Drawbridge\\n\\n   This desktop belongs to a tenant that only dials out.\\n\\n'; do
  printf '   %s\\n' "$(date '+%A %d %B %Y, %H:%M:%S')"
  printf '   seconds on this screen: %s\\n' "$count"
  [ -r /proc/loadavg ] && printf '   load: %s\\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
  count=$((count + 1))
  sleep 1
done
`;

/** A tenant's desktop for machines without an RDP server: a virtual display behind a real RDP server that wants NLA. */
export class DemonstrationDesktop implements AsyncDisposable {
  readonly port: number;
  readonly credentials: Credentials;
  readonly display: VirtualDisplay;
  readonly #resources: AsyncDisposableStack;

  /** @throws DemoFailure when a program is missing or does not come up. */
  static async start(signal: AbortSignal): Promise<DemonstrationDesktop> {
    await using resources = new AsyncDisposableStack();
    const folder = resources.use(await TemporaryFolder.create("desktop"));
    await writeFile(folder.file("alive.sh"), SCRIPT, { mode: 0o700 });
    const display = resources.use(await VirtualDisplay.start({ signal }));
    await paintRoot(display, knownPicture(SCREEN_SIZE), signal);
    const command = ["/bin/sh", folder.file("alive.sh")];
    resources.use(await openTerminal(display, { geometry: "64x12+200+180", title: "alive", command, signal }));
    const credentials = freshCredentials();
    const server = resources.use(await ShadowServer.start(display, { kind: "nla", credentials }, signal));
    return new DemonstrationDesktop(server.port, credentials, display, resources.move());
  }

  private constructor(
    port: number,
    credentials: Credentials,
    display: VirtualDisplay,
    resources: AsyncDisposableStack,
  ) {
    this.port = port;
    this.credentials = credentials;
    this.display = display;
    this.#resources = resources;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
