/** What a flow passes before it reads on. */
export interface Toll {
  /** How much the flow should read at a time, in bytes. */
  readonly quantumBytes: number;
  /** Counts bytes that were read. Answers whether the flow may read on at once; if not, it has to {@link wait}. */
  take(bytes: number): boolean;
  /** Calls back once, later, when the flow may read on. Returns what gives the wait up; it may be called at any time. */
  wait(onOpen: () => void): () => void;
}

/**
 * Several tolls as one: bytes count at each, and a flow waits until all have let it pass. The waits come one after
 * another, in the order given, so that nobody keeps a place in a later queue while an earlier one holds him.
 *
 * @param tolls the narrowest first
 */
export function combineTolls(tolls: readonly Toll[]): Toll | undefined {
  const [first, ...rest] = tolls;
  if (first === undefined || rest.length === 0) return first;
  return {
    quantumBytes: Math.min(...tolls.map((toll) => toll.quantumBytes)),
    take: (bytes) => tolls.map((toll) => toll.take(bytes)).every((open) => open),
    wait: (onOpen) => waitInTurn(tolls, onOpen),
  };
}

function waitInTurn(tolls: readonly Toll[], onOpen: () => void): () => void {
  const nextClosed = (from: number): number => tolls.findIndex((toll, index) => index >= from && !toll.take(0));
  let giveUp = (): void => {};
  const waitAt = (index: number): void => {
    const toll = tolls[index];
    if (toll === undefined) onOpen();
    else giveUp = toll.wait(() => goOn(index + 1));
  };
  const goOn = (from: number): void => {
    const closed = nextClosed(from);
    waitAt(closed < 0 ? tolls.length : closed);
  };
  // All may have opened since the flow asked; then it still waits for one, because it counts on being called later.
  waitAt(Math.max(0, nextClosed(0)));
  return () => giveUp();
}
