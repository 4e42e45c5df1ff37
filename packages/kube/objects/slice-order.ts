/** In which order slices of one Service are read. */
import type { EndpointSlice } from "./core-resources.ts";

/** IPv4 before IPv6, and always in the same order: where there are both, each endpoint is in two slices. */
export function byFamilyAndName(a: EndpointSlice, b: EndpointSlice): number {
  return rank(a) < rank(b) ? -1 : 1;
}

function rank({ addressType, metadata }: EndpointSlice): string {
  return `${addressType} ${metadata.name}`;
}
