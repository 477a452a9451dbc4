import { expect } from "chai";

import { freshCredentials } from "../../scripts/demo/desktop/credentials.ts";
import type { Credentials } from "../../scripts/demo/desktop/credentials.ts";
import {
  colourAt,
  differentPixels,
  knownPicture,
  MARK_COLOUR,
  MARK_SIZE,
  paintRoot,
} from "../../scripts/demo/desktop/picture.ts";
import { RdpClient } from "../../scripts/demo/desktop/rdp-client.ts";
import { ShadowServer } from "../../scripts/demo/desktop/shadow-server.ts";
import { SCREEN_SIZE, VirtualDisplay } from "../../scripts/demo/desktop/virtual-display.ts";
import { startChain, stopChain } from "../support/chain.ts";
import type { Chain } from "../support/chain.ts";

/** How a desktop's chain differs from the plain one. */
export type Surroundings = Parameters<typeof startChain>[1];

/** A real desktop with a known picture on it, behind a tenant that is online. */
export class TenantDesktop {
  static readonly picture = knownPicture(SCREEN_SIZE);
  /** The server's own screen. */
  readonly display: VirtualDisplay;
  readonly chain: Chain;
  readonly credentials: Credentials;
  readonly #resources: AsyncDisposableStack;

  /** @param surroundings what stands between the chain's parts. Default: nothing. */
  static async start(security: "tls" | "nla", surroundings: Surroundings = {}): Promise<TenantDesktop> {
    await using resources = new AsyncDisposableStack();
    const credentials = freshCredentials();
    const display = resources.use(await VirtualDisplay.start());
    await paintRoot(display, TenantDesktop.picture);
    const logon = security === "nla" ? ({ kind: "nla", credentials } as const) : ({ kind: "tls" } as const);
    const server = resources.use(await ShadowServer.start(display, logon));
    const chain = resources.adopt(await startChain([`rdp=127.0.0.1:${server.port}`], surroundings), stopChain);
    return new TenantDesktop(display, chain, credentials, resources.move());
  }

  private constructor(
    display: VirtualDisplay,
    chain: Chain,
    credentials: Credentials,
    resources: AsyncDisposableStack,
  ) {
    this.display = display;
    this.chain = chain;
    this.credentials = credentials;
    this.#resources = resources;
  }

  /** Logs on with a real RDP client at a loopback listener; the caller ends it. */
  logOn(address: string, credentials: Credentials = this.credentials): Promise<RdpClient> {
    return RdpClient.start({ address, credentials });
  }

  async stop(): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Waits until the client shows the known picture, and asserts it: 0 pixels different, and a known colour, not black. */
export async function expectKnownPicture(client: RdpClient): Promise<void> {
  const seen = await client.drawn((picture) => differentPixels(picture, TenantDesktop.picture) === 0);
  expect(differentPixels(seen, TenantDesktop.picture), "pixels that differ").to.equal(0);
  expect(colourAt(seen, MARK_SIZE - 1, MARK_SIZE - 1), "the mark's colour").to.deep.equal(MARK_COLOUR);
}
