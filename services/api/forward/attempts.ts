/** How often a request may be tried, and where it has been. */

const ATTEMPTS_MAX = 3;
/** Time for a lone server that could not be reached to come back. */
export const RETRY_DELAY_MS = 100;

export class Attempts {
  readonly #tried = new Set<string>();
  #count = 0;
  #others = 0;

  get tried(): ReadonlySet<string> {
    return this.#tried;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether there may be another one. */
  get left(): boolean {
    return this.#count < ATTEMPTS_MAX;
  }

  /** Endpoints of the model that have not been asked yet. */
  get others(): number {
    return this.#others;
  }

  begin(endpoint: string, endpoints: readonly string[]): void {
    this.#count += 1;
    this.#tried.add(endpoint);
    this.#others = endpoints.filter((one) => !this.#tried.has(one)).length;
  }
}
