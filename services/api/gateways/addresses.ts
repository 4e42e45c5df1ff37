/** Where a name leads to by which replicas of the API service find each other: each address is one of them. */
import { lookup } from "node:dns/promises";

export type Address = { readonly address: string; readonly family: number };
/** Addresses of a name; throws where there is none. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

const resolveByDns: Resolve = (hostname) => lookup(hostname, { all: true });

export function addressesAt(
  url: string,
  resolve: Resolve = resolveByDns,
): Promise<readonly Address[]> {
  return resolve(new URL(url).hostname.replace(/^\[|\]$/g, ""));
}
