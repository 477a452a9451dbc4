import { writeFile } from "node:fs/promises";

import { Child } from "../child.ts";
import { DemoFailure } from "../demo-failure.ts";
import { freePort } from "../free-port.ts";
import { TemporaryFolder } from "../temporary-folder.ts";
import { until } from "../until.ts";
import type { Credentials } from "./credentials.ts";
import { ntHash } from "./nt-hash.ts";
import { requireProgram } from "./programs.ts";
import { rdpKindAt } from "./rdp-kind.ts";
import type { VirtualDisplay } from "./virtual-display.ts";

const ATTEMPTS = 5;
const READY_TIMEOUT_MS = 20_000;

/** How clients log on: TLS without a logon, or NLA with these credentials. */
export type ShadowSecurity = { readonly kind: "tls" } | { readonly kind: "nla"; readonly credentials: Credentials };

/** A real RDP server (freerdp-shadow-cli) that shows a virtual display, on a free port of 127.0.0.1. */
export class ShadowServer implements AsyncDisposable {
  readonly port: number;
  /** The server process, for its log and its end. */
  readonly child: Child;
  readonly #resources: AsyncDisposableStack;

  /** Resolves once the server answers RDP's negotiation. @throws DemoFailure when it does not come up. */
  static async start(display: VirtualDisplay, security: ShadowSecurity, signal?: AbortSignal): Promise<ShadowServer> {
    let last: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        return await ShadowServer.#startOn(await freePort(), display, security, signal);
      } catch (error) {
        signal?.throwIfAborted();
        // Most likely somebody else took the port in between.
        last = error;
      }
    }
    throw last;
  }

  static async #startOn(port: number, display: VirtualDisplay, security: ShadowSecurity, signal?: AbortSignal) {
    await using resources = new AsyncDisposableStack();
    const home = resources.use(await TemporaryFolder.create("rdp-server"));
    const child = resources.use(
      await Child.start({
        name: "the RDP server",
        command: requireProgram("freerdp-shadow-cli"),
        args: [`/port:${port}`, "/bind-address:127.0.0.1", ...(await securityArguments(security, home))],
        env: { ...display.environment, HOME: home.path },
      }),
    );
    await until(() => answersAs(security, port, child), {
      what: `the RDP server on 127.0.0.1:${port}`,
      timeoutMs: READY_TIMEOUT_MS,
      log: () => child.tail(),
      ...(signal ? { signal } : {}),
    });
    return new ShadowServer(port, child, resources.move());
  }

  private constructor(port: number, child: Child, resources: AsyncDisposableStack) {
    this.port = port;
    this.child = child;
    this.#resources = resources;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

async function securityArguments(security: ShadowSecurity, home: TemporaryFolder): Promise<string[]> {
  if (security.kind === "tls") return ["-auth", "/sec:tls"];
  const { user, password } = security.credentials;
  // One line of WinPR's SAM format: user, domain, LM hash, NT hash.
  await writeFile(home.file("sam"), `${user}:::${ntHash(password)}:::\n`, { mode: 0o600 });
  return ["+auth", `/sam-file:${home.file("sam")}`, "/sec:nla"];
}

/** The evidence: our process lives, and the port answers as this security does. */
async function answersAs(security: ShadowSecurity, port: number, child: Child): Promise<true | undefined> {
  const answer = await rdpKindAt(port);
  if (child.exit) throw new DemoFailure("the RDP server ended at once", { log: child.tail() });
  return answer === security.kind || undefined;
}
