/**
 * Which addresses a connection may be made to, decided where names are resolved: what was checked is what is connected
 * to, whatever the name means a moment later.
 */
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isPrivateAddress } from "./private-address.ts";

export type Reach = "anywhere" | "public";

/** The name, or the address, of a host that only leads inside. */
export class PrivateAddressError extends Error {
  override readonly name = "PrivateAddressError";
}

/** For tests, which have no internet. */
export type Network = {
  readonly lookup: typeof systemLookup;
  readonly isPrivate: (address: string) => boolean;
};

const REAL_NETWORK: Network = { lookup: systemLookup, isPrivate: isPrivateAddress };

/** Remembers which hosts are private, from having connected to them. */
export class Reached {
  readonly #network: Network;
  readonly #isPrivate = new Map<string, boolean>();

  constructor(network: Network = REAL_NETWORK) {
    this.#network = network;
  }

  /** A host that nobody has resolved, as behind a proxy, counts as public unless it is an address. */
  isPrivate(hostname: string): boolean {
    const host = bare(hostname);
    if (isIP(host) !== 0) return this.#network.isPrivate(host);
    return this.#isPrivate.get(host) ?? false;
  }

  /** Addresses are not resolved, so they have to be looked at before. Throws a PrivateAddressError. */
  require(hostname: string, reach: Reach): void {
    const host = bare(hostname);
    if (reach === "public" && isIP(host) !== 0 && this.#network.isPrivate(host)) {
      throw new PrivateAddressError(host);
    }
  }

  lookup(reach: Reach): LookupFunction {
    return (hostname, options, callback) => {
      this.#network.lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, "", 0);
        const isPrivate = ({ address }: LookupAddress) => this.#network.isPrivate(address);
        const addresses = reach === "public" ? found.filter((one) => !isPrivate(one)) : found;
        const [first] = addresses;
        if (first === undefined) return callback(new PrivateAddressError(hostname), "", 0);
        this.#isPrivate.set(bare(hostname), addresses.every(isPrivate));
        if (options.all === true) return callback(null, addresses);
        return callback(null, first.address, first.family);
      });
    };
  }
}

/** As in a URL an IPv6 address stands in brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
}
