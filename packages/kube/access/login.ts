/**
 * Credentials between requests: kept for a while, fetched once however many ask, dropped when refused.
 *
 * Asking for them may read files or start a program, so not every request does. A refusal counts only
 * against the credentials it was about: of fifty requests refused together, one fetches new ones.
 */
import type { Clock } from "../time/clock.ts";
import type { ClusterAccess, Credentials } from "./access.ts";

/** Shorter than any token lives, longer than a burst of requests. */
const KEEP_MS = 60_000;

export class Login {
  readonly #access: ClusterAccess;
  readonly #clock: Clock;
  #kept: { readonly credentials: Credentials; readonly atMs: number } | undefined;
  #asking: Promise<Credentials> | undefined;
  #refused = false;

  constructor(access: ClusterAccess, clock: Clock) {
    this.#access = access;
    this.#clock = clock;
  }

  async credentials(): Promise<Credentials> {
    const kept = this.#kept;
    if (kept !== undefined && this.#clock.nowMs() - kept.atMs < KEEP_MS) return kept.credentials;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** The server did not accept these. */
  refuse(credentials: Credentials): void {
    if (this.#kept?.credentials !== credentials) return;
    this.#kept = undefined;
    this.#refused = true;
  }

  async #ask(): Promise<Credentials> {
    const credentials = await this.#access.credentials(this.#refused);
    this.#refused = false;
    this.#kept = { credentials, atMs: this.#clock.nowMs() };
    return credentials;
  }
}
