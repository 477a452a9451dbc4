import type { Socket } from "node:net";

/** What a man in the middle does with a TLS record: the records that go on in its place. */
export type Manipulation = (record: Buffer) => readonly Buffer[];

/** One of the two directions of a {@link LegWire}. */
export type Direction = "toTenant" | "toRemote";

const RECORD_HEADER_BYTES = 5;
const untouched: Manipulation = (record) => [record];

/** Two legs in the hands of a man in the middle, who sees each byte and may do with each record what he likes. */
export class LegWire {
  /** All that came by, in both directions. */
  readonly seen: Buffer[] = [];
  readonly #manipulations: Record<Direction, Manipulation> = { toTenant: untouched, toRemote: untouched };
  readonly #legs: Record<Direction, { readonly from: Socket; readonly to: Socket }>;

  constructor(remoteLeg: Socket, tenantLeg: Socket) {
    this.#legs = {
      toTenant: { from: remoteLeg, to: tenantLeg },
      toRemote: { from: tenantLeg, to: remoteLeg },
    };
    this.#carry("toTenant");
    this.#carry("toRemote");
  }

  /** What happens to the records that come from now on. */
  manipulate(direction: Direction, manipulation: Manipulation): void {
    this.#manipulations[direction] = manipulation;
  }

  /** Ends one direction's TCP stream, at a record's border; what comes later is swallowed. */
  cut(direction: Direction): void {
    this.manipulate(direction, () => []);
    this.#legs[direction].to.end();
  }

  #carry(direction: Direction): void {
    const { from, to } = this.#legs[direction];
    let pending = Buffer.alloc(0);
    from.on("data", (chunk: Buffer) => {
      this.seen.push(chunk);
      pending = Buffer.concat([pending, chunk]);
      for (let size = recordSize(pending); size <= pending.length; size = recordSize(pending)) {
        const records = this.#manipulations[direction](Buffer.from(pending.subarray(0, size)));
        pending = pending.subarray(size);
        if (to.writable) for (const record of records) to.write(record);
      }
    });
    from.once("end", () => to.writable && to.end());
    from.once("close", () => to.destroySoon());
    from.resume();
  }
}

/** How long the record at a buffer's beginning is; more than the buffer holds while that is not known. */
function recordSize(bytes: Buffer): number {
  return bytes.length < RECORD_HEADER_BYTES ? RECORD_HEADER_BYTES : RECORD_HEADER_BYTES + bytes.readUInt16BE(3);
}
