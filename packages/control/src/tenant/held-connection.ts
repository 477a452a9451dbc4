import type { Gateways } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import { openChannel } from "../rpc/enrollment-client.ts";
import type { KeepAlive } from "../rpc/keep-alive.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import { ControlConnection, type ControlHandler, type TenantHello } from "./control-connection.ts";

/** A control connection that was welcomed, the gateway that it came through, and the channel that it runs on. */
export interface HeldConnection {
  /** `host:port`. */
  readonly place: string;
  readonly connection: ControlConnection;
  readonly channel: RpcChannel;
}

/** What a control connection is made with. */
export interface ControlDial {
  identity: EnrolledIdentity;
  gateways: Gateways;
  keepAlive: KeepAlive | undefined;
  /** Asked when the gateway has answered. */
  hello: () => TenantHello;
  handler: ControlHandler;
  clock: WallClock;
  signal: AbortSignal;
  /** How long the gateway may take to answer, in milliseconds. Default: as a channel's connecting has it. */
  withinMs?: number;
}

/** Makes a control connection at a gateway. Errors: those of the channel and of ControlConnection.open. */
export async function holdConnection(place: string, dial: ControlDial): Promise<HeldConnection> {
  const { identity, gateways, keepAlive, hello, handler, clock, signal, withinMs } = dial;
  const channel = openChannel(identity, place, gateways.reach, keepAlive);
  try {
    // Where it fails at once the call that follows does so too, and tells why.
    await channel.connect({ signal, ...(withinMs !== undefined && { withinMs }) });
    const connection = await ControlConnection.open(channel, hello(), handler, clock, signal);
    return { place, connection, channel };
  } catch (error) {
    channel.close();
    throw error;
  }
}

/** How long an older control connection may take to end once a newer one has taken over, in milliseconds. */
const RETIRING_MS = 2_000;

/**
 * Lets a control connection that was superseded come to its end, with what is still on its way on it, and closes its
 * channel. Never rejects.
 */
export async function retire({ connection, channel }: HeldConnection, clock: WallClock): Promise<void> {
  const late = clock.setTimer(RETIRING_MS, () => connection.destroy());
  await connection.closed;
  late.cancel();
  channel.close();
}
