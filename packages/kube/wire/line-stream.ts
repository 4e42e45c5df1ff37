/**
 * Listens to one pod for as long as it is there: connects, reads what it says line by line, and tries again when that ends.
 *
 * Silence is an end too: a pod that is listened to says something every few seconds.
 */
import { Agent, request } from "undici";
import { Backoff } from "../time/backoff.ts";
import { type Clock, delay } from "../time/clock.ts";
import { linesOf } from "./json-lines.ts";

type Listener<Said> = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly lineMaxBytes: number;
  /** Undefined for what cannot be read. */
  readonly parse: (line: string) => Said | undefined;
  readonly hear: (said: Said) => void;
  /** `isRefused`: nobody listens there. */
  readonly lose: (error: unknown, isRefused: boolean) => void;
  readonly clock: Clock;
};

const SILENCE_MAX_MS = 15_000;
const CONNECT_MAX_MS = 2000;
const BACKOFF = { firstMs: 100, maxMs: 3000, factor: 2, jitter: 0.5, resetAfterMs: 30_000 };

/** Until the signal aborts; never rejects. */
export async function listenTo<Said>(listener: Listener<Said>, signal: AbortSignal): Promise<void> {
  const { url, clock, hear, lose } = listener;
  const backoff = new Backoff(BACKOFF, clock, Math.random);
  while (!signal.aborted) {
    try {
      for await (const said of saidBy(listener, signal)) {
        backoff.reset();
        hear(said);
      }
      throw new Error(`the pod has ended its stream: ${url}`);
    } catch (error) {
      if (signal.aborted) return;
      lose(error, isRefused(error));
      await delay(clock, backoff.nextMs(), signal).catch(() => {});
    }
  }
}

async function* saidBy<Said>(
  { url, headers, lineMaxBytes, parse }: Listener<Said>,
  signal: AbortSignal,
): AsyncGenerator<Said> {
  await using dispatcher = streamAgent();
  const { statusCode, body } = await request(url, { dispatcher, headers, signal });
  if (statusCode !== 200) throw new Error(`the pod answers ${url} with ${statusCode}`);
  for await (const line of linesOf(body, lineMaxBytes)) {
    const said = parse(line);
    if (said === undefined) throw new Error(`the pod says what cannot be read: ${url}`);
    yield said;
  }
}

/** Of one connection, which ends with it. */
function streamAgent(): Agent & AsyncDisposable {
  const agent = new Agent({
    pipelining: 0,
    connect: { timeout: CONNECT_MAX_MS },
    headersTimeout: SILENCE_MAX_MS,
    bodyTimeout: SILENCE_MAX_MS,
  });
  return Object.assign(agent, { [Symbol.asyncDispose]: () => agent.destroy() });
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
}
