/**
 * Listens to one API pod for as long as it is there: connects, reads pictures, and tries again when that ends.
 *
 * Silence is an end too: a pod says something every few seconds.
 */
import { Backoff } from "@localmodel/kube/time/backoff.ts";
import { type Clock, delay } from "@localmodel/kube/time/clock.ts";
import { linesOf } from "@localmodel/kube/wire/json-lines.ts";
import {
  DEMAND_LINE_MAX_BYTES,
  type DemandPicture,
  parseDemandPicture,
} from "@localmodel/localmodel/contracts/demand.ts";
import { Agent, request } from "undici";

type Listener = {
  readonly url: string;
  /** None where nobody is asked for one. */
  readonly token: string | undefined;
  readonly hear: (picture: DemandPicture) => void;
  readonly lose: (error: unknown, isRefused: boolean) => void;
  readonly clock: Clock;
};

const SILENCE_MAX_MS = 15_000;
const CONNECT_MAX_MS = 2000;
const BACKOFF = { firstMs: 100, maxMs: 3000, factor: 2, jitter: 0.5, resetAfterMs: 30_000 };

/** Until the signal aborts; never rejects. */
export async function listenTo(listener: Listener, signal: AbortSignal): Promise<void> {
  const { clock, hear, lose } = listener;
  const backoff = new Backoff(BACKOFF, clock, Math.random);
  while (!signal.aborted) {
    try {
      for await (const picture of picturesFrom(listener, signal)) {
        backoff.reset();
        hear(picture);
      }
      throw new Error("the API pod has ended its stream");
    } catch (error) {
      if (signal.aborted) return;
      lose(error, isRefused(error));
      await delay(clock, backoff.nextMs(), signal).catch(() => {});
    }
  }
}

async function* picturesFrom(
  { url, token }: Listener,
  signal: AbortSignal,
): AsyncGenerator<DemandPicture> {
  await using dispatcher = streamAgent();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { statusCode, body } = await request(url, { dispatcher, headers, signal });
  if (statusCode !== 200) throw new Error(`the API pod answers ${url} with ${statusCode}`);
  for await (const line of linesOf(body, DEMAND_LINE_MAX_BYTES)) {
    const picture = parseDemandPicture(line);
    if (picture === undefined) throw new Error("the API pod says what cannot be read");
    yield picture;
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
