import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import type { LinkMaker } from "./link-maker.ts";
import type { SoakWorld } from "./soak-world.ts";
import type { Tally } from "./tally.ts";

const KB = 1024;
/** How long a link of a broken network is waited for before both its ends are closed, in milliseconds. */
const GIVE_UP_MS = 60_000;
/** What `connect` may end with by itself: 1 is not among them, it stands for a fault of Drawbridge. */
const EXIT_CODES = [0, 3, 4, 5];

/** A session that links are made in. */
interface OpenSession {
  readonly tenant: string;
  readonly connect: DrawbridgeProcess;
  readonly port: number;
  /** The calm in which it began; undefined when it is not to be judged strictly, as one that is cut short. */
  readonly era: number | undefined;
  isKilled: boolean;
}

const pick = <Value>(values: readonly Value[]): Value => values[randomInt(values.length)] as Value;

/** Operators that open sessions to any tenant, one after another, with several links each, and end them in every way. */
export class Operators {
  readonly #world: SoakWorld;
  readonly #links: LinkMaker;
  readonly #tally: Tally;
  readonly #restMs: number;

  /** @param parts - `restMs`: how long a client rests between two links, on average, in milliseconds */
  constructor(parts: { world: SoakWorld; links: LinkMaker; tally: Tally; restMs: number }) {
    this.#world = parts.world;
    this.#links = parts.links;
    this.#tally = parts.tally;
    this.#restMs = parts.restMs;
  }

  /** Resolves when the signal has fired and so many operators have ended their last sessions. */
  async work(operators: number, signal: AbortSignal): Promise<void> {
    const one = async (): Promise<void> => {
      while (!signal.aborted) {
        await this.session(pick(this.#world.tenants), randomInt(3_000, 20_000), signal);
        await delay(randomInt(100, 2_000));
      }
    };
    await Promise.all(Array.from({ length: operators }, one));
  }

  /** One session of about this length. */
  async session(tenant: string, forMs: number, signal: AbortSignal): Promise<void> {
    const era = this.#tally.era;
    const connect = await this.#world.connect(tenant);
    const port = await listeningPort(connect);
    if (port === undefined) {
      this.#tally.add("sessions not opened");
      if (era !== undefined && era === this.#tally.era) {
        this.#tally.fault(`no session to ${tenant} although nothing was disturbed: ${connect.child.tail()}`);
      }
      await this.#end(connect, "SIGTERM");
      return;
    }
    this.#tally.add("sessions");
    const over = performance.now() + forMs;
    const isCutShort = randomInt(4) === 0;
    const session: OpenSession = { tenant, connect, port, era: isCutShort ? undefined : era, isKilled: false };
    const client = async (): Promise<void> => {
      while (performance.now() < over && !signal.aborted && connect.child.exit === undefined) {
        await this.#link(session);
        await delay(randomInt(0, 2 * this.#restMs + 1));
      }
    };
    const clients = Promise.all(Array.from({ length: randomInt(1, 4) }, client));
    if (isCutShort) await delay(forMs / 2);
    else await clients;
    const end = pick(["SIGTERM", "SIGTERM", "SIGKILL"] as const);
    session.isKilled = end === "SIGKILL";
    await this.#end(connect, end);
    await clients;
  }

  async #link(session: OpenSession): Promise<void> {
    const ending = pick(["finish", "finish", "finish", "client", "service"] as const);
    const bytes = pick([1, KB, 100 * KB, 1_000 * KB, 4_000 * KB]);
    const link = await this.#links.make(session.port, { bytes, pauseMs: pick([0, 1, 5]) });
    if (link === undefined) {
      this.#tally.add("links not made");
      await delay(200);
      return;
    }
    this.#tally.add("links");
    const madeAt = performance.now();
    const timer = setTimeout(() => link.destroy(), GIVE_UP_MS);
    if (ending !== "finish") setTimeout(() => link.abort(ending), randomInt(1, 1_000));
    const [forth, back] = await link.outcome();
    clearTimeout(timer);
    const era = ending === "finish" ? session.era : undefined;
    // A killed process's kernel ends its connections in order.
    const isTenantKilled = this.#world.killedSince(session.tenant, madeAt);
    this.#tally.ended(forth, { era, mayBeShort: isTenantKilled, bytes: link.forth.received });
    this.#tally.ended(back, { era, mayBeShort: session.isKilled, bytes: link.back.received });
  }

  async #end(connect: DrawbridgeProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const hadEnded = connect.child.exit !== undefined;
    if (signal === "SIGKILL") connect.child.signal(signal);
    const exit = await connect.stop(20_000);
    this.#tally.add(`connect ended with ${exit.code ?? exit.signal ?? "nothing"}`);
    const isExpected = exit.code === null ? !hadEnded && signal === "SIGKILL" : EXIT_CODES.includes(exit.code);
    if (!isExpected) this.#tally.fault(`connect ended with ${JSON.stringify(exit)}: ${connect.child.tail()}`);
  }
}

async function listeningPort(connect: DrawbridgeProcess): Promise<number | undefined> {
  const event = await connect.waitForEvent("listening", { timeoutMs: 45_000 }).catch(() => undefined);
  return event && Number(String(event["address"]).split(":")[1]);
}
