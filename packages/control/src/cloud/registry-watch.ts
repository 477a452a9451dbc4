import type { RegisteredTenant, TenantFilter, TenantRegistry } from "./tenant-registry.ts";
import { matchesFilter } from "./tenant-registry.ts";

/** What a watcher is told next. */
export type RegistryEvent =
  | { event: "snapshot"; tenants: RegisteredTenant[] }
  | { event: "changed"; tenant: RegisteredTenant }
  | { event: "removed"; name: string };

/**
 * One watcher's view of the registry. Pure state.
 *
 * What changed is remembered by name only, and looked up when the watcher is ready for it: a slow watcher gets the
 * latest state of each tenant instead of a growing queue of states.
 */
export class RegistryWatch {
  readonly #registry: TenantRegistry;
  readonly #mayReach: (groups: readonly string[]) => boolean;
  readonly #unsubscribe: () => void;
  /** Tenants that this watcher has been shown. */
  readonly #shown = new Set<string>();
  readonly #dirty = new Set<string>();
  /** Undefined until the watch starts. */
  #filter: TenantFilter | undefined;
  #snapshotDue = false;
  #wake: (() => void) | undefined;

  /** @param mayReach whether the watcher may see tenants in these groups. */
  constructor(registry: TenantRegistry, mayReach: (groups: readonly string[]) => boolean) {
    this.#registry = registry;
    this.#mayReach = mayReach;
    this.#unsubscribe = registry.subscribe((name) => {
      if (this.#filter === undefined) return;
      this.#dirty.add(name);
      this.#wake?.();
    });
  }

  /** Starts the watch, or changes its filter; a snapshot follows. */
  setFilter(filter: TenantFilter): void {
    this.#filter = filter;
    this.#snapshotDue = true;
    this.#wake?.();
  }

  /** What to tell the watcher next, or undefined when it knows everything. */
  take(): RegistryEvent | undefined {
    if (this.#snapshotDue) return this.#snapshot();
    for (const name of this.#dirty) {
      this.#dirty.delete(name);
      const tenant = this.#registry.get(name);
      if (tenant !== undefined && this.#isVisible(tenant)) {
        this.#shown.add(name);
        return { event: "changed", tenant };
      }
      if (this.#shown.delete(name)) return { event: "removed", name };
    }
    return undefined;
  }

  /** Resolves when `take` may have something, or when the signal fires. */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#snapshotDue || this.#dirty.size > 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    signal.removeEventListener("abort", wake);
    this.#wake = undefined;
  }

  /** Ends the watch. */
  close(): void {
    this.#unsubscribe();
  }

  #isVisible(tenant: RegisteredTenant): boolean {
    return this.#mayReach(tenant.groups) && matchesFilter(tenant, this.#filter ?? {});
  }

  #snapshot(): RegistryEvent {
    this.#snapshotDue = false;
    this.#dirty.clear();
    const tenants = this.#registry.list().filter((tenant) => this.#isVisible(tenant));
    this.#shown.clear();
    for (const { name } of tenants) this.#shown.add(name);
    return { event: "snapshot", tenants };
  }
}
