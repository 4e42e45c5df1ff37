/**
 * How many replicas of the API service there are, this one included: as many addresses as the names have that its replicas
 * find each other by (a headless Service).
 *
 * Each replica has its part of what is limited for all of them together, and counts only what it sends itself.
 */
import { type Address, addressesAt, type Resolve } from "./addresses.ts";

const EVERY_MS = 5000;

type GatewayCount = Disposable & {
  readonly current: () => number;
  /** Looks now. Where names cannot be resolved, the count stays as it was. */
  readonly refresh: () => Promise<void>;
};

/** `urls`: of the other replicas; none: there is one. */
export function countGateways(urls: readonly string[], resolve?: Resolve): GatewayCount {
  let count = 1;
  const refresh = async (): Promise<void> => {
    try {
      const found = await Promise.all(urls.map((url) => addressesAt(url, resolve)));
      count = Math.max(1, ...[4, 6].map((family) => distinct(found.flat(), family)));
    } catch {
      // A name server that is away takes nobody away.
    }
  };
  const timer = urls.length === 0 ? undefined : setInterval(() => void refresh(), EVERY_MS);
  timer?.unref();
  return { current: () => count, refresh, [Symbol.dispose]: () => clearInterval(timer) };
}

/** A replica may have one of each family. */
function distinct(addresses: readonly Address[], of: number): number {
  return new Set(addresses.flatMap(({ address, family }) => (family === of ? address : []))).size;
}

/** What one of so many may use of a limit: together a little more than the limit at most, and each something. */
export function shareOf(limit: number, gateways: number): number {
  return Math.ceil(limit / gateways);
}
