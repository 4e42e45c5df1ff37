/**
 * Loaded into a process before its own code: measures how late its event loop is, and tells its parent when asked.
 *
 * The histogram is V8's own, from a timer that is due every millisecond; each question begins a new one.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";

const QUESTION = "loop-delay";

export type LoopDelay = {
  readonly type: typeof QUESTION;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

const RESOLUTION_MS = 1;

/** What has been since the last question. */
export async function askLoopDelay(child: ChildProcess): Promise<LoopDelay> {
  child.send({ type: QUESTION });
  for (;;) {
    const [message] = (await once(child, "message")) as [LoopDelay];
    if (message.type === QUESTION) return message;
  }
}

function answerQuestions(): void {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  process.on("message", (message: { readonly type?: unknown }) => {
    if (message.type !== QUESTION) return;
    process.send?.({
      type: QUESTION,
      p50Ms: late(histogram.percentile(50)),
      p99Ms: late(histogram.percentile(99)),
      maxMs: late(histogram.max),
    } satisfies LoopDelay);
    histogram.reset();
  });
}

if (process.execArgv.some((argument) => argument.endsWith("loop-delay.ts"))) answerQuestions();
