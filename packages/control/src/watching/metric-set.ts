import type { Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * A metric, as Prometheus names them: base units, `_total` for what only grows. A label's values are a fixed, small set:
 * never a name of a tenant, an operator or a machine.
 */
export interface MetricDefinition {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Default: none. */
  readonly label?: string;
  /** Values that are there from the start, at 0, so that a rate over the first one is right. Default: none. */
  readonly values?: readonly string[];
  /** Of a histogram: the upper bounds. */
  readonly buckets?: readonly number[];
}

/** Metrics by their names. */
export type MetricDefinitions = Readonly<Record<string, MetricDefinition>>;

type Metric = Counter | Gauge | Histogram;

/**
 * Names of prom-client's own metrics that Prometheus' conventions do not allow: they end like counters and are none.
 */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** Metrics that can be set and scraped, those of the process and its event loop among them. Made by `open`. */
export class MetricSet<Definitions extends MetricDefinitions> {
  readonly #registry: Registry;
  readonly #metrics: ReadonlyMap<string, Metric>;
  readonly #definitions: Definitions;
  readonly #pollers: (() => void)[] = [];
  #scrape: Promise<string> | undefined;

  private constructor(registry: Registry, metrics: ReadonlyMap<string, Metric>, definitions: Definitions) {
    this.#registry = registry;
    this.#metrics = metrics;
    this.#definitions = definitions;
  }

  /** Loads what is needed, which most processes never do. */
  static async open<Definitions extends MetricDefinitions>(definitions: Definitions): Promise<MetricSet<Definitions>> {
    const { default: prometheus } = await import("prom-client");
    const registry = new prometheus.Registry();
    prometheus.collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
    const metrics = new Map<string, Metric>();
    for (const [name, { kind, help, label, values = [], buckets = [] }] of Object.entries(definitions)) {
      const base = { name, help, registers: [registry], ...(label !== undefined && { labelNames: [label] }) };
      if (kind === "histogram") metrics.set(name, new prometheus.Histogram({ ...base, buckets: [...buckets] }));
      else metrics.set(name, kind === "counter" ? new prometheus.Counter(base) : new prometheus.Gauge(base));
      if (label !== undefined) for (const value of values) zero(metrics.get(name), { [label]: value });
    }
    return new MetricSet(registry, metrics, definitions);
  }

  /** The form that {@link text} has, for HTTP. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Counts. @param value of the metric's label, if it has one */
  count(name: keyof Definitions & string, value?: string, by = 1): void {
    const metric = this.#metrics.get(name);
    if (metric !== undefined && "inc" in metric) metric.inc(this.#labels(name, value), by);
  }

  /** Takes a duration of so many milliseconds into a histogram of seconds. */
  took(name: keyof Definitions & string, ms: number, value?: string): void {
    const metric = this.#metrics.get(name);
    if (metric !== undefined && "observe" in metric) metric.observe(this.#labels(name, value), Math.max(0, ms) / 1000);
  }

  /** Sets a gauge. */
  set(name: keyof Definitions & string, to: number, value?: string): void {
    const metric = this.#metrics.get(name);
    if (metric !== undefined && "set" in metric) metric.set(this.#labels(name, value), to);
  }

  /** Sets a counter to what is counted elsewhere, and only grows. */
  setCounter(name: keyof Definitions & string, to: number, value?: string): void {
    const metric = this.#metrics.get(name);
    if (metric === undefined || !("inc" in metric)) return;
    const labels = this.#labels(name, value);
    metric.remove(labels);
    metric.inc(labels, to);
  }

  /** Calls this before each scrape, to bring up to date what is not told by itself. */
  poll(update: () => void): void {
    this.#pollers.push(update);
  }

  /** All metrics, in Prometheus' text format. Scrapes at the same time share one. */
  text(): Promise<string> {
    this.#scrape ??= this.#collect().finally(() => (this.#scrape = undefined));
    return this.#scrape;
  }

  #collect(): Promise<string> {
    for (const update of this.#pollers) update();
    return this.#registry.metrics();
  }

  #labels(name: keyof Definitions, value: string | undefined): Record<string, string> {
    const label = this.#definitions[name]?.label;
    return label === undefined || value === undefined ? {} : { [label]: value };
  }
}

function zero(metric: Metric | undefined, labels: Record<string, string>): void {
  if (metric === undefined) return;
  if ("zero" in metric) metric.zero(labels);
  else metric.inc(labels, 0);
}
