/** Streams that run while something else happens, and the time between their tokens meanwhile. */
import type { ModelServer } from "../../test/support/model-server.ts";
import { median, percentile } from "./statistics.ts";
import { endlessPrompt, stream } from "./streaming-client.ts";
import type { Row } from "./table.ts";

/** Tokens every stream has behind it when the watching begins. */
const SETTLED_TOKENS = 16;
/** More than a stream can have when the watching ends. */
const MAX_TOKENS = 3000;
const LOOK_MS = 20;

export type Window = { readonly gapsMs: readonly number[]; readonly durationMs: number };

/** The gaps between tokens of all streams while `meanwhile` lasts, which is told how many tokens each has at least. */
export async function watchStreams(
  server: ModelServer,
  streams: number,
  meanwhile: (tokens: () => number) => Promise<unknown>,
): Promise<Window> {
  const stop = new AbortController();
  const counts = Array.from({ length: streams }, () => 0);
  const settled = Promise.withResolvers<undefined>();
  const body = { model: server.modelId, temperature: 0, max_tokens: MAX_TOKENS, ignore_eos: true };
  const running = counts.map((_, index) =>
    stream(
      server.url,
      { ...body, prompt: endlessPrompt() },
      {
        signal: stop.signal,
        onEvent: (count) => {
          counts[index] = count;
          if (Math.min(...counts) >= SETTLED_TOKENS) settled.resolve(undefined);
        },
      },
    ),
  );
  await settled.promise;
  const from = performance.now();
  await meanwhile(() => Math.min(...counts));
  const to = performance.now();
  stop.abort();
  const results = await Promise.all(running);
  if (results.some(({ arrivalsMs }) => arrivalsMs.length >= MAX_TOKENS)) {
    throw new Error("A stream ended while it was watched");
  }
  const gapsMs = results.flatMap(({ arrivalsMs }) =>
    arrivalsMs
      .map((at, index) => ({ at, gap: at - (arrivalsMs[index - 1] ?? at) }))
      .filter(({ at, gap }) => at - gap >= from && at <= to)
      .map(({ gap }) => gap),
  );
  return { gapsMs, durationMs: to - from };
}

/** Lasts until every stream has so many more tokens. */
export function untilTokens(more: number): (tokens: () => number) => Promise<void> {
  return async (tokens) => {
    const target = tokens() + more;
    while (tokens() < target) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  };
}

export function gapP99(windows: readonly Window[]): number {
  return percentile(gapsOf(windows), 0.99);
}

export function gapRow(name: string, windows: readonly Window[]): Row {
  const gaps = gapsOf(windows);
  return {
    streams: name,
    gaps: gaps.length,
    "p50 ms": median(gaps).toFixed(1),
    "p99 ms": gapP99(windows).toFixed(1),
    "max ms": Math.max(...gaps).toFixed(1),
  };
}

function gapsOf(windows: readonly Window[]): readonly number[] {
  return windows.flatMap(({ gapsMs }) => gapsMs);
}
