/** A place that may be dialled, as an SRV record tells it. */
export interface RankedPlace {
  /** `host:port`. */
  readonly address: string;
  /** The lowest is tried first. */
  readonly priority: number;
  /** How often it comes first among places of its priority, in proportion. 0: hardly ever. */
  readonly weight: number;
}

/**
 * Puts places into the order in which they are to be tried. Source: RFC 2782, "Usage rules".
 *
 * @param random numbers in [0, 1)
 */
export function orderPlaces(places: readonly RankedPlace[], random: () => number): string[] {
  const byPriority = Map.groupBy(places, ({ priority }) => priority);
  const priorities = [...byPriority.keys()].sort((a, b) => a - b);
  return priorities.flatMap((priority) => drawAll(byPriority.get(priority) ?? [], random));
}

function drawAll(places: readonly RankedPlace[], random: () => number): string[] {
  // Shuffled, since the RFC leaves the order of equal weights open and a fixed one would send everybody the same way;
  // those without weight first, as it demands.
  const left = shuffled(places, random).sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
  const order: string[] = [];
  while (left.length > 0) {
    const [drawn] = left.splice(draw(left, random), 1);
    if (drawn !== undefined) order.push(drawn.address);
  }
  return order;
}

/** The index of the first place whose running sum of weights reaches a number drawn from 0 to the sum of all. */
function draw(places: readonly RankedPlace[], random: () => number): number {
  const sum = places.reduce((total, { weight }) => total + weight, 0);
  const drawn = Math.floor(random() * (sum + 1));
  let running = 0;
  return places.findIndex(({ weight }) => (running += weight) >= drawn);
}

/** Source: Fisher and Yates. */
function shuffled(places: readonly RankedPlace[], random: () => number): RankedPlace[] {
  const result = [...places];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other] as RankedPlace, result[last] as RankedPlace];
  }
  return result;
}
