import type { Reach } from "@drawbridge/dataplane";
import { Gateways } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import { saveAddresses } from "../identity/index.ts";
import type { Log } from "../wire/log.ts";

/** The gateways of an enrolled home. */
export interface HomeGateways {
  gateways: Gateways;
  /** Resolves when what the provider has told so far is written. Never rejects. */
  saved: () => Promise<void>;
}

/** Makes the gateways of a home; a list that the provider tells later is kept there. */
export function homeGateways(home: string, identity: EnrolledIdentity, reach: Reach, log: Log): HomeGateways {
  let saved = Promise.resolve();
  const onReplaced = (addresses: readonly string[], reserve: readonly string[]): void => {
    log.info({ event: "gateways-changed", gateways: addresses }, `the provider is now at ${addresses.join(", ")}`);
    saved = saved
      .then(() => saveAddresses(home, [...addresses], [...reserve]))
      .catch((err: unknown) => {
        log.warn({ event: "gateways-not-kept", err }, "the provider's gateways could not be kept in the home");
      });
  };
  const options = { onReplaced, ...(identity.reserve && { reserve: identity.reserve }) };
  return { gateways: new Gateways(identity.addresses, reach, options), saved: () => saved };
}
