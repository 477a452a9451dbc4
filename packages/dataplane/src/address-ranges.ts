import { BlockList, isIP } from "node:net";
import { DrawbridgeError } from "./errors.ts";

/** A set of IP addresses, written as addresses and CIDR ranges: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`. */
export class AddressRanges {
  readonly #list = new BlockList();

  /** @throws DrawbridgeError `invalid-argument`, naming the text that is neither an address nor a range */
  constructor(texts: readonly string[] = []) {
    for (const text of texts) this.#add(text);
  }

  /** Whether an IP address is in the set; false for what is none. */
  has(host: string): boolean {
    const [address = ""] = host.split("%");
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 6 ? "ipv6" : "ipv4");
  }

  #add(text: string): void {
    const [address = "", prefix, more] = text.split("/");
    const version = isIP(address);
    if (version === 0 || more !== undefined || address.includes("%")) throw invalid(text);
    const family = version === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) return this.#list.addAddress(address, family);
    if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 6 ? 128 : 32)) throw invalid(text);
    this.#list.addSubnet(address, Number(prefix), family);
  }
}

function invalid(text: string): DrawbridgeError {
  return new DrawbridgeError(
    "invalid-argument",
    `"${text.slice(0, 100)}" is neither an IP address nor a range of them`,
    {
      remedy: "Write for example 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32.",
    },
  );
}
