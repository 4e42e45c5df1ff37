/**
 * How many threads the steps of the engine use. Pure.
 *
 * llama.cpp's threads wait for each other spinning, hundreds of times for a token. Where another program wants one of
 * their cores, all of them wait for the one that was stopped: on two busy cores two threads take a hundred times as long
 * as one. So a step that was given clearly less time of processors than its threads wanted is followed by steps with
 * fewer, and where cores have been idle beside the steps, by steps with more: soon, since most disturbances are short, such as a
 * client that starts. A rise that was regretted soon is tried ever more rarely.
 */
/** Of a thread: lost to others for more than this share of the time, one thread is too many. */
const SLACK = 0.5;
/** A core that was idle for all but this share of the time is one that can be had. */
const IDLE_SLACK = 0.25;
/** Shorter steps are judged together. */
const WINDOW_MS = 50;
const FIRST_PATIENCE_MS = 200;
const LONGEST_PATIENCE_MS = 120_000;
/** A rise that lasts so long was right. */
const REGRET_MS = 10_000;

/** What a step took, of the clock and of processors. */
type StepUse = { readonly wallMs: number; readonly cpuMs: number; readonly atMs: number };

export class ThreadCount {
  readonly #most: number;
  #count: number;
  #window = { wallMs: 0, cpuMs: 0 };
  #patienceMs = FIRST_PATIENCE_MS;
  #raisedAtMs = Number.NEGATIVE_INFINITY;
  #raisesFromMs = Number.NEGATIVE_INFINITY;

  constructor(most: number) {
    this.#most = most;
    this.#count = most;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether it is worth knowing how many cores are idle. */
  mayRise(atMs: number): boolean {
    return this.#count < this.#most && atMs >= this.#raisesFromMs;
  }

  record({ wallMs, cpuMs, atMs }: StepUse): void {
    const window = { wallMs: this.#window.wallMs + wallMs, cpuMs: this.#window.cpuMs + cpuMs };
    this.#window = window;
    if (window.wallMs < WINDOW_MS) return;
    this.#window = { wallMs: 0, cpuMs: 0 };
    const granted = window.cpuMs / window.wallMs;
    if (this.#count > 1 && granted < this.#count - SLACK) this.#lower(granted, atMs);
  }

  /** So many cores did nothing while steps with this number of threads ran. */
  offer(idleCores: number, atMs: number): void {
    const more = Math.floor(idleCores + IDLE_SLACK);
    if (more < 1 || !this.mayRise(atMs)) return;
    this.#count = Math.min(this.#most, this.#count + more);
    this.#raisedAtMs = atMs;
    this.#window = { wallMs: 0, cpuMs: 0 };
  }

  #lower(granted: number, atMs: number): void {
    const fits = Math.floor(granted + IDLE_SLACK);
    this.#count = Math.max(1, Math.min(this.#count - 1, fits));
    const regretted = atMs - this.#raisedAtMs < REGRET_MS;
    this.#patienceMs = regretted
      ? Math.min(LONGEST_PATIENCE_MS, 2 * this.#patienceMs)
      : FIRST_PATIENCE_MS;
    this.#raisesFromMs = atMs + this.#patienceMs;
  }
}
