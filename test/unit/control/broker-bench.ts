import type { CloseReason } from "@drawbridge/dataplane";
import type { LinkNews } from "../../../packages/control/src/cloud/ports.ts";
import type { Session } from "../../../packages/control/src/cloud/session.ts";
import { SessionBroker, type SessionBrokerOptions } from "../../../packages/control/src/cloud/session-broker.ts";
import { TenantRegistry } from "../../../packages/control/src/cloud/tenant-registry.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { facts, FakeLinkPlaces, FakeRemotePort, FakeTenantPort, operator } from "./fake-ports.ts";

/** A session broker among fakes, with the tenants `acme` and `bolt` enrolled. */
export class BrokerBench {
  readonly clock = new FakeClock();
  readonly registry = new TenantRegistry();
  readonly links = new FakeLinkPlaces();
  readonly events: { event: "started" | "opened" | "ended"; id: string; reason?: CloseReason }[] = [];
  readonly linkNews: LinkNews[] = [];
  readonly broker: SessionBroker;
  #ids = 0;
  #epoch = 0n;

  constructor(options: Partial<SessionBrokerOptions> = {}) {
    for (const name of ["acme", "bolt"]) {
      this.registry.enrolled({ name, groups: [`group-of-${name}`], keyFingerprint: "cd".repeat(32) });
    }
    const note = (event: "started" | "opened" | "ended", { id }: Session): void => void this.events.push({ event, id });
    const { registry, links, clock } = this;
    const newId = (prefix: string): string => `${prefix}-${(this.#ids += 1)}`;
    this.broker = new SessionBroker(
      { registry, links, clock, newId, ...options },
      {
        started: (session) => note("started", session),
        opened: (session) => note("opened", session),
        ended: (session, reason) => void this.events.push({ event: "ended", id: session.id, reason }),
        consentAsked: () => {},
        link: (_session, news) => void this.linkNews.push(news),
      },
    );
  }

  /** The tenant's control connection comes, holding these sessions. */
  tenantComes(name = "acme", held: readonly string[] = []): FakeTenantPort {
    const port = new FakeTenantPort();
    this.#epoch += 1n;
    this.registry.online(name, this.#epoch, port, facts(), this.clock.wallNow());
    this.broker.tenantReturned(name, held);
    return port;
  }

  /** The tenant's control connection is lost. */
  tenantGoes(name = "acme"): void {
    const presence = this.registry.get(name)?.presence;
    if (presence?.name !== "online") return;
    this.registry.offline(name, presence.epoch, this.clock.wallNow());
    this.broker.tenantLeft(name);
  }

  open(tenant = "acme", who = "olga", target = "rdp", linksAhead = 0): { session: Session; remote: FakeRemotePort } {
    const remote = new FakeRemotePort();
    const purpose = { tenant, target, reason: "to mend it", ticket: "T-1" };
    const request = { purpose, maxDurationMs: undefined, linksAhead };
    return { session: this.broker.open(operator(who), request, remote, () => true), remote };
  }

  /** A session that the tenant has accepted. */
  accepted(): { session: Session; remote: FakeRemotePort } {
    const opened = this.open();
    opened.session.decide({ decision: "accepted", decidedBy: "policy" });
    return opened;
  }

  eventsOf(id: string): string[] {
    return this.events.filter((event) => event.id === id).map(({ event }) => event);
  }
}
