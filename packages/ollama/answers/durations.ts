/**
 * Where the time of a request went, in nanoseconds, by what the engine reports: `ollama run --verbose` and Open WebUI compute
 * tokens per second from it. An answer's first token belongs to its prompt.
 */
import type { AnyEvent } from "@localmodel/inference/operation.ts";

const NS_PER_MS = 1e6;

type Durations = {
  readonly total_duration?: number;
  /** Until the model took the request up. */
  readonly load_duration?: number;
  readonly prompt_eval_duration?: number;
  readonly eval_duration?: number;
};

/** Whether an event says when something happened. */
export function isTimed({ type }: AnyEvent): boolean {
  return ["accepted", "started", "evaluating", "prefilled", "finish", "done"].includes(type);
}

/** None where nobody has reported it. */
export function durationsOf(events: readonly AnyEvent[]): Durations {
  const accepted = events.find((event) => event.type === "accepted");
  const received = accepted?.engine?.receivedMs;
  const [begun, first, end] = [
    timeOf(events, "started") ?? timeOf(events, "evaluating"),
    timeOf(events, "prefilled"),
    timeOf(events, "finish") ?? timeOf(events, "done"),
  ];
  return {
    ...lasting("total_duration", received, end),
    ...lasting("load_duration", received, begun),
    ...lasting("prompt_eval_duration", begun, first ?? end),
    ...lasting("eval_duration", first, end),
  };
}

function timeOf(events: readonly AnyEvent[], type: AnyEvent["type"]): number | undefined {
  const found = events.find((event) => event.type === type);
  return found !== undefined && "atMs" in found ? found.atMs : undefined;
}

/** Ollama leaves out what took no time. */
function lasting(name: keyof Durations, from: number | undefined, to: number | undefined): object {
  if (from === undefined || to === undefined || to <= from) return {};
  return { [name]: Math.round((to - from) * NS_PER_MS) };
}
