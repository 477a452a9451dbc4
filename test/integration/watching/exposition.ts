/** The samples of a scrape, each by its name and labels as they are written. */
export type Samples = ReadonlyMap<string, number>;

/** Asks for a path of a watch server. */
export async function ask(address: string, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${address}${path}`, { headers: { connection: "close" } });
  return { status: response.status, text: await response.text() };
}

/** Scrapes metrics. */
export async function scrape(address: string): Promise<Samples> {
  return samplesOf((await ask(address, "/metrics")).text);
}

/** Reads Prometheus' text format. */
export function samplesOf(text: string): Samples {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

/** The names of metrics, those of histograms without what follows the name. */
export function namesOf(text: string): Set<string> {
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name));
}
