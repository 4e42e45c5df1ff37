/**
 * Starts the parts of a controller process in order, and ends them in the opposite one.
 *
 * Caches fill before anybody is elected, so that a standby takes over warm. Controllers start when the
 * caches are full, the lease is held, and what they need beside it is there. At the end passes under way finish first, then events are
 * written, and only then the lease is given back: whoever leads next finds nobody still writing. When the
 * lease is lost there is no such order: everything stops at once, and the process should end.
 */
import { type Clock, systemClock } from "../time/clock.ts";
import type { Controller } from "../work/controller.ts";
import { Deadline, unlessAborted } from "../time/deadline.ts";
import type { Election } from "../election/election.ts";
import type { EventRecorder } from "../events/event-recorder.ts";
import type { Check } from "./health.ts";
import type { Log } from "../log.ts";
import type { Reflector } from "../cache/reflector.ts";

type ManagerOptions = {
  // Any kinds of objects.
  readonly reflectors: readonly Pick<Reflector, "name" | "hasSynced" | "synced" | "run">[];
  readonly controllers: readonly Controller[];
  readonly recorder?: EventRecorder;
  /** Without one, controllers start as soon as the caches are full. */
  readonly election?: Election;
  /** What has to be there before controllers start; whoever leads sees to it, until the signal aborts. */
  readonly prepare?: (stop: AbortSignal) => Promise<void>;
  readonly log: Log;
  readonly clock?: Clock;
  readonly syncTimeoutMs?: number;
  readonly gracePeriodMs?: number;
};

const SYNC_TIMEOUT_MS = 120_000;
const GRACE_PERIOD_MS = 30_000;

export class Manager {
  readonly #options: ManagerOptions;
  readonly #clock: Clock;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** For the readiness endpoint. */
  get checks(): Readonly<Record<string, Check>> {
    return {
      caches: () => {
        const missing = this.#options.reflectors.filter(({ hasSynced }) => !hasSynced);
        if (missing.length === 0) return undefined;
        return `not listed yet: ${missing.map(({ name }) => name).join(", ")}`;
      },
    };
  }

  /**
   * Resolves after a graceful end once `stop` has aborted; rejects when the caches do not fill or the
   * lease is lost.
   */
  async run(stop: AbortSignal): Promise<void> {
    const { reflectors, recorder, election } = this.#options;
    const ending = follow(stop);
    const background = new AbortController();
    const leading = new AbortController();
    const tasks = reflectors.map((reflector) => reflector.run(background.signal));
    const recording = recorder?.run(background.signal);
    // Without an election this end never comes.
    const elected = election?.run(leading.signal) ?? new Promise<void>(() => {});
    elected.catch(() => {}); // Reported by whoever waits for it below.
    try {
      await this.#filled(ending.signal);
      await Promise.race([election?.elected, elected, aborted(ending.signal)]);
      if (ending.signal.aborted) return;
      await Promise.race([this.#work(ending.signal), failureOf(elected)]);
    } finally {
      ending.abort();
      background.abort();
      await Promise.all([...tasks, recording]);
      leading.abort();
      if (election !== undefined) await elected;
    }
  }

  async #filled(stop: AbortSignal): Promise<void> {
    const { reflectors, syncTimeoutMs = SYNC_TIMEOUT_MS } = this.#options;
    const late = (): Error =>
      new Error(`not everything could be listed in time: ${this.checks["caches"]?.() ?? ""}`);
    using deadline = new Deadline(this.#clock, syncTimeoutMs, late, [stop]);
    try {
      const all = Promise.all(reflectors.map(({ synced }) => synced));
      await unlessAborted(all, deadline.signal);
    } catch (error) {
      if (!stop.aborted) throw error;
    }
  }

  async #work(stop: AbortSignal): Promise<void> {
    const { prepare } = this.#options;
    if (prepare !== undefined) await Promise.race([prepare(stop), aborted(stop)]);
    if (!stop.aborted) await this.#control(stop);
  }

  async #control(stop: AbortSignal): Promise<void> {
    const { controllers, election, gracePeriodMs = GRACE_PERIOD_MS, log } = this.#options;
    const kill = new AbortController();
    const killed = AbortSignal.any([
      kill.signal,
      ...(election ? [election.leadership.signal] : []),
    ]);
    const running = Promise.all(controllers.map((controller) => controller.run(stop, killed)));
    await Promise.race([running, aborted(stop)]);
    using _grace = this.#clock.schedule(gracePeriodMs, () => {
      log.warn("passes take longer than the grace period, they are ended", { gracePeriodMs });
      kill.abort(new Error("the process has to end"));
    });
    // A pass that does not listen to its signal must not hold the process.
    await Promise.race([running, aborted(killed)]);
  }
}

function follow(signal: AbortSignal): AbortController {
  const controller = new AbortController();
  void aborted(signal).then(() => controller.abort());
  return controller;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Never resolves: what ends well is not the end of the process. */
function failureOf(task: Promise<void>): Promise<never> {
  return new Promise((_, reject) => void task.catch(reject));
}
