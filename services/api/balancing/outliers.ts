/**
 * Endpoints that keep failing, and for how long each is left alone.
 *
 * One that cannot be reached is ejected at once, one that fails in other ways after three failures in a
 * row. When its time is over it gets a single request as a probe: a success brings it back, a failure doubles the
 * time. Whether anybody else is left to ask is not decided here: `pick` would rather ask an ejected endpoint
 * than none.
 */

export type Verdict =
  /** It answered as it should. */
  | "success"
  /** It broke, or answered that it is broken. */
  | "failure"
  /** Nobody is there. */
  | "unreachable"
  /** Nothing to hold for or against it: the client hung up. */
  | "none";

type Record = {
  failuresInARow: number;
  /** How often it was ejected, less one for each success since. */
  ejections: number;
  /** Undefined while it is trusted. */
  ejectedUntilMs: number | undefined;
  probing: boolean;
};

const FAILURES_MAX = 3;
const EJECTION_MIN_MS = 1000;
const EJECTION_MAX_MS = 60_000;

export class Outliers {
  readonly #records = new Map<string, Record>();
  readonly #onEjection: (reason: Verdict) => void;

  constructor(onEjection: (reason: Verdict) => void = () => {}) {
    this.#onEjection = onEjection;
  }

  /** Whether it should be asked now. */
  isAvailable(endpoint: string, nowMs: number): boolean {
    const record = this.#records.get(endpoint);
    if (record?.ejectedUntilMs === undefined) return true;
    return nowMs >= record.ejectedUntilMs && !record.probing;
  }

  /** It is asked now; who was ejected is thereby being probed, which is what this returns. */
  asked(endpoint: string): boolean {
    const record = this.#records.get(endpoint);
    if (record?.ejectedUntilMs === undefined) return false;
    record.probing = true;
    return true;
  }

  /** The head of its answer has come: it is back, although it may still break. */
  answered(endpoint: string): void {
    const record = this.#records.get(endpoint);
    if (record === undefined) return;
    record.ejectedUntilMs = undefined;
    record.probing = false;
  }

  ended(endpoint: string, verdict: Verdict, nowMs: number): void {
    if (verdict === "failure" || verdict === "unreachable") {
      this.#failed(endpoint, verdict, nowMs);
      return;
    }
    const record = this.#records.get(endpoint);
    if (record === undefined) return;
    record.probing = false;
    if (verdict === "none") return;
    record.failuresInARow = 0;
    record.ejections -= 1;
    if (record.ejections < 0) this.#records.delete(endpoint);
  }

  forget(endpoint: string): void {
    this.#records.delete(endpoint);
  }

  #failed(endpoint: string, verdict: Verdict, nowMs: number): void {
    const record = this.#records.get(endpoint) ?? newRecord();
    this.#records.set(endpoint, record);
    record.failuresInARow += 1;
    // Requests that had been sent before the ejection say nothing new.
    if (record.ejectedUntilMs !== undefined && !record.probing) return;
    const convicted = record.failuresInARow >= FAILURES_MAX || verdict === "unreachable";
    if (!convicted && !record.probing) return;
    record.probing = false;
    record.ejectedUntilMs =
      nowMs + Math.min(EJECTION_MIN_MS * 2 ** record.ejections, EJECTION_MAX_MS);
    record.ejections += 1;
    this.#onEjection(verdict);
  }
}

function newRecord(): Record {
  return { failuresInARow: 0, ejections: 0, ejectedUntilMs: undefined, probing: false };
}
