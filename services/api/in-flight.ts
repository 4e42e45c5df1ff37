/**
 * Which endpoint gets the next request: the one with the fewest in flight.
 *
 * A count is taken back when its lease is disposed, which `using` does on every path.
 */

export class InFlight {
  readonly #counts = new Map<string, number>();

  count(endpoint: string): number {
    return this.#counts.get(endpoint) ?? 0;
  }

  take(endpoint: string): Disposable {
    this.#counts.set(endpoint, this.count(endpoint) + 1);
    let taken = true;
    return {
      [Symbol.dispose]: () => {
        if (!taken) return;
        taken = false;
        const left = this.count(endpoint) - 1;
        if (left > 0) this.#counts.set(endpoint, left);
        else this.#counts.delete(endpoint);
      },
    };
  }
}

/** Endpoints that have not failed this request come first; undefined when there is none at all. */
export function pick(
  endpoints: readonly string[],
  count: (endpoint: string) => number,
  failed: ReadonlySet<string>,
): string | undefined {
  const fresh = endpoints.filter((endpoint) => !failed.has(endpoint));
  const candidates = fresh.length > 0 ? fresh : endpoints;
  return candidates.reduce<string | undefined>(
    (best, endpoint) => (best === undefined || count(endpoint) < count(best) ? endpoint : best),
    undefined,
  );
}
