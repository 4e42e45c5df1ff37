/**
 * Leader election over a Lease: of all candidates, at most one writes.
 *
 * Two loops, as in client-go: try to get the lease until it is ours, then renew it until that fails for
 * too long or the process ends. The numbers must keep their order: lease > renew deadline > retry, so
 * that a leader stops writing before another may start.
 */
import type { Client } from "../wire/client.ts";
import { type Clock, delay } from "../time/clock.ts";
import { claimed, type Lease, LEASES, mayTake, released, see, type Sighting } from "./lease.ts";
import { Leadership } from "./leadership.ts";
import type { Log } from "../log.ts";
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";

type ElectionOptions = {
  readonly namespace: string;
  readonly name: string;
  /** Unique per process, such as the pod's name and a random part. */
  readonly identity: string;
  readonly log: Log;
  readonly metrics: MetricRegistry;
  readonly leaseMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
};

const LEASE_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2000;
/** Candidates spread their tries, the holder does not. */
const JITTER = 1.2;
const RELEASE_TIMEOUT_MS = 5000;

export class Election {
  readonly leadership: Leadership;
  readonly #client: Client;
  readonly #options: ElectionOptions;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryMs: number;
  readonly #slowPath;
  readonly #elected = Promise.withResolvers<void>();
  #sighting: Sighting | undefined;

  constructor(client: Client, options: ElectionOptions) {
    const { leaseMs = LEASE_MS, renewDeadlineMs = RENEW_DEADLINE_MS } = options;
    const { retryMs = RETRY_MS, metrics, name } = options;
    if (!(leaseMs > renewDeadlineMs && renewDeadlineMs > retryMs * JITTER)) {
      throw new Error(
        `a lease of ${leaseMs} ms needs a shorter renew deadline (it is ${renewDeadlineMs} ms) and that one an even shorter retry period (it is ${retryMs} ms)`,
      );
    }
    this.#client = client;
    this.#options = options;
    this.#clock = client.transport.clock;
    this.#leaseMs = leaseMs;
    this.#renewDeadlineMs = renewDeadlineMs;
    this.#retryMs = retryMs;
    this.leadership = new Leadership(this.#clock, renewDeadlineMs);
    this.#slowPath = metrics.counter(
      "leader_election_slowpath_total",
      "Total number of slow path exercised in renewing leader leases.",
    );
    this.#slowPath.add({ name }, 0);
    metrics
      .gauge("leader_election_master_status", "Whether this process is the leader: 1, or 0.")
      .observe({ name }, () => (this.leadership.isHeld ? 1 : 0));
  }

  /** Resolves when this process leads. */
  get elected(): Promise<void> {
    return this.#elected.promise;
  }

  /**
   * Resolves when the signal has aborted, the lease given back; rejects with NotLeaderError when
   * leadership was lost. Abort only after the last write.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { log, name, identity } = this.#options;
    if (!(await this.#acquire(signal))) return;
    log.info("leading", { lease: name, identity });
    this.#elected.resolve();
    await this.#renew(signal);
    if (signal.aborted) return this.#release();
    log.error("the lease was lost", { lease: name, identity });
    throw this.leadership.signal.reason;
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { random } = this.#client.transport;
    while (!signal.aborted) {
      if (await this.#try(signal)) return true;
      await delay(this.#clock, this.#retryMs * (1 + JITTER * random()), signal).catch(() => {});
    }
    return false;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.leadership.signal]);
    while (!either.aborted) {
      await delay(this.#clock, this.#retryMs, either).catch(() => {});
      if (!either.aborted) await this.#try(either);
    }
  }

  /** One attempt to get or keep the lease. Failing is normal. */
  async #try(signal: AbortSignal): Promise<boolean> {
    // A request that hangs must leave time for another.
    const timeoutMs = this.#renewDeadlineMs / 2;
    const client = this.#client.with({ signal, timeoutMs, retry: false });
    const askedMs = this.#clock.nowMs();
    try {
      if (!(await this.#write(client))) return false;
      this.leadership.renewed(askedMs);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const { log, name } = this.#options;
      log.warn("the lease could not be read or written", { lease: name, error });
      return false;
    }
  }

  async #write(client: Client): Promise<boolean> {
    const known = this.#sighting?.lease;
    if (this.leadership.isHeld && known?.spec?.holderIdentity === this.#options.identity) {
      try {
        // Nobody else may have written: no need to look first.
        this.#saw(await client.replace(LEASES, this.#claim(known)));
        return true;
      } catch {
        this.#slowPath.add({ name: this.#options.name });
      }
    }
    const lease = await client.get(LEASES, this.#options);
    if (lease === undefined) {
      this.#saw(await client.create(LEASES, this.#claim(undefined)));
      return true;
    }
    const sighting = this.#saw(lease);
    if (!mayTake(sighting, this.#options.identity, this.#clock.nowMs())) return false;
    this.#saw(await client.replace(LEASES, this.#claim(lease)));
    return true;
  }

  #saw(lease: Lease): Sighting {
    this.#sighting = see(lease, this.#sighting, this.#clock.nowMs());
    return this.#sighting;
  }

  #claim(lease: Lease | undefined): Lease {
    const { name, namespace, identity } = this.#options;
    const claim = { identity, leaseMs: this.#leaseMs, date: this.#clock.date() };
    return { metadata: { name, namespace }, ...lease, spec: claimed(lease, claim) };
  }

  async #release(): Promise<void> {
    const wasHeld = this.leadership.isHeld;
    this.leadership.end("the lease was given back");
    if (!wasHeld) return;
    const client = this.#client.with({ timeoutMs: RELEASE_TIMEOUT_MS, retry: false });
    try {
      // A renewal that was cut short may have been written.
      const lease = await client.get(LEASES, this.#options);
      if (lease?.spec?.holderIdentity !== this.#options.identity) return;
      await client.replace(LEASES, { ...lease, spec: released(lease, this.#clock.date()) });
    } catch (error) {
      this.#options.log.warn("the lease was not given back, it has to run out", { error });
    }
  }
}
