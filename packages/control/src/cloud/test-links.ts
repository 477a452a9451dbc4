import type { CloseReason } from "@drawbridge/dataplane";
import { closeReason } from "@drawbridge/dataplane";
import type { LinkPlace, LinkPlaces } from "./ports.ts";

/** What test links need from their surroundings. */
export interface TestLinksOptions {
  links: LinkPlaces;
  newLinkId: () => string;
  /** Calls back once, after so many milliseconds. */
  setTimer: (delayMs: number, callback: () => void) => { cancel(): void };
}

/** Who tests: a principal that is enrolled. */
export interface Tester {
  kind: "tenant" | "operator";
  name: string;
  /** SHA-256 of its enrolled public key, hexadecimal. */
  keyFingerprint: string;
}

const LAPSED = closeReason("expired", "the test link's tokens lapsed");
const REPLACED = closeReason("superseded", "the caller opened another test link");
const CUT_OFF = closeReason("revoked", "the caller may not come back with this key");

/**
 * Links that a principal has with itself, to see whether legs get through. Each principal has one at a time, and a new
 * one ends the one before: a check that was interrupted must not stand in the way of the next. One lives no longer than
 * its tokens, so that nobody has a relay in it. They are no sessions, and stand in no list and no audit log. Pure state.
 */
export class TestLinks {
  readonly #options: TestLinksOptions;
  readonly #byKey = new Map<string, LinkPlace>();

  constructor(options: TestLinksOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get size(): number {
    return this.#byKey.size;
  }

  /** Expects both legs. Errors: `limit-exceeded`, `shutting-down`. */
  open({ kind, name, keyFingerprint }: Tester): LinkPlace {
    const { links, newLinkId, setTimer } = this.#options;
    this.#close(keyFingerprint, REPLACED);
    // Its waiting legs count among those of the tenant. An operator has a count of its own, under a name that no tenant
    // can have: names hold no blanks.
    const place = links.expect({ linkId: newLinkId(), tenant: kind === "tenant" ? name : `operator ${name}` });
    this.#byKey.set(keyFingerprint, place);
    const lapse = setTimer(place.expiresInMs, () => place.close(LAPSED));
    void place.closed.then(() => {
      lapse.cancel();
      if (this.#byKey.get(keyFingerprint) === place) this.#byKey.delete(keyFingerprint);
    });
    return place;
  }

  /** Ends the test link of a key that counts no more, at once. */
  cutOff(keyFingerprint: string): void {
    this.#close(keyFingerprint, CUT_OFF);
  }

  #close(keyFingerprint: string, reason: CloseReason): void {
    this.#byKey.get(keyFingerprint)?.close(reason);
    this.#byKey.delete(keyFingerprint);
  }
}
