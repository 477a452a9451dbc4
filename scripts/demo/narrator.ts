import { formatByteCounts, readByteCounts } from "./byte-counts.ts";
import type { ByteCounts } from "./byte-counts.ts";
import type { Milestone } from "./chain.ts";
import type { DrawbridgeEvent } from "./drawbridge.ts";
import type { Screen } from "./screen.ts";

/** Tells the design's eight steps ("The way of one session") as the three roles report them. */
export class Narrator {
  readonly #screen: Screen;
  #counts: ByteCounts = { toTenant: 0, toRemote: 0, links: 0 };
  #spliced = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** The session's byte counts so far. */
  get counts(): ByteCounts {
    return this.#counts;
  }

  milestone(milestone: Milestone): void {
    switch (milestone.kind) {
      case "cloud-ready":
        this.#screen.line(`the provider's cloud redirector listens on ${milestone.address}`);
        break;
      case "tenant-enrolled":
        this.#screen.step(1, `${milestone.tenant}'s tenant redirector has enrolled with an invite code`);
        break;
      case "operator-enrolled":
        this.#screen.line(`the operator ${milestone.operator} has enrolled with an invite code`);
        break;
      case "tenant-connected":
        this.#screen.step(1, `${milestone.tenant}'s tenant redirector holds its control connection`);
        break;
      case "tenant-online":
        this.#screen.step(2, `tenant ${milestone.tenant} is online, epoch ${milestone.epoch}`);
        break;
    }
  }

  /** What `drawbridge connect --json` reports. */
  connectEvent(event: DrawbridgeEvent): void {
    switch (event.event) {
      case "pending":
        this.#screen.step(4, "the tenant is being asked");
        break;
      case "session-opened":
        this.#screen.step(4, "the operator's rights and the tenant's own policy allow it: the session is open");
        break;
      case "listening":
        this.#screen.step(5, `the remote redirector listens on ${text(event, "address")} for the RDP client`);
        break;
      case "link-opened":
        this.#screen.step(6, "the RDP client opened a connection: a link, and a leg from either side");
        break;
      case "link-closed":
        // The tenant redirector tells of the others.
        if (event["code"] !== "closed") this.#screen.line(`a link failed: ${text(event, "message")}`);
        break;
      case "bytes":
        this.#bytes(readByteCounts(event));
        break;
      case "session-ended":
        this.#counts = { ...readByteCounts(event), links: 0 };
        this.#screen.step(8, `the session has ended and every link with it: ${formatByteCounts(this.#counts)}`);
        break;
      case undefined:
      default:
        break;
    }
  }

  /** What `drawbridge tenant run --json` reports. */
  tenantEvent(event: DrawbridgeEvent): void {
    if (event.event !== "link-closed") return;
    const counts = readByteCounts({ toTenant: event["toTarget"], toRemote: event["toRemote"] });
    this.#screen.step(8, `a link has closed at both ends: ${formatByteCounts(counts).replace(/, 0 links$/, "")}`);
  }

  #bytes(counts: ByteCounts): void {
    this.#counts = counts;
    if (this.#spliced || counts.toTenant === 0 || counts.toRemote === 0) return;
    this.#spliced = true;
    this.#screen.step(7, "the rendezvous has paired the legs and splices them: bytes arrive both ways");
  }
}

function text(event: DrawbridgeEvent, key: string): string {
  const value = event[key];
  return typeof value === "string" ? value : "?";
}
