import type { Session } from "./session.ts";

/** The sessions that are not over, by id, tenant and operator: no question goes through all of them. */
export class SessionIndex {
  readonly #byId = new Map<string, Session>();
  readonly #byTenant = new Map<string, Set<Session>>();
  readonly #byOperator = new Map<string, Set<Session>>();

  get size(): number {
    return this.#byId.size;
  }

  add(session: Session): void {
    this.#byId.set(session.id, session);
    for (const [map, key] of this.#places(session)) map.set(key, (map.get(key) ?? new Set()).add(session));
  }

  /** Returns whether it was there. */
  delete(session: Session): boolean {
    for (const [map, key] of this.#places(session)) {
      const sessions = map.get(key);
      sessions?.delete(session);
      if (sessions?.size === 0) map.delete(key);
    }
    return this.#byId.delete(session.id);
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** Oldest first, as are those of a tenant and of an operator. */
  list(): Session[] {
    return [...this.#byId.values()];
  }

  ofTenant(name: string): Session[] {
    return [...(this.#byTenant.get(name) ?? [])];
  }

  ofOperator(name: string): Session[] {
    return [...(this.#byOperator.get(name) ?? [])];
  }

  #places({ purpose, operator }: Session) {
    return [[this.#byTenant, purpose.tenant] as const, [this.#byOperator, operator.name] as const];
  }
}
