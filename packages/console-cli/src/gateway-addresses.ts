import { InvalidArgumentError } from "@commander-js/extra-typings";
import { type Address, DrawbridgeError, parseAddress } from "@drawbridge/dataplane";

/** Reads where to listen: `host:port`, or `:port` for all addresses of this machine. For commander: else wrong use. */
export function parseListenAddress(text: string): Address {
  if (!text.startsWith(":")) return asArgument(text);
  return { ...asArgument(`localhost${text}`), host: "" };
}

/** Reads addresses that are separated by commas, and adds them to those before. For commander: none is wrong use. */
export function collectAddresses(text: string, before: readonly Address[] = []): readonly Address[] {
  const addresses = text.split(",").map((part) => asArgument(part.trim()));
  for (const address of addresses) {
    if (address.port === 0) throw new InvalidArgumentError("Port 0 cannot be dialled.");
  }
  return [...before, ...addresses];
}

function asArgument(text: string): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    if (!(error instanceof DrawbridgeError)) throw error;
    throw new InvalidArgumentError(error.remedy);
  }
}
