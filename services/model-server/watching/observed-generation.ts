/**
 * A generation that others watch on its way to the client: the prompt log, traces, metrics.
 *
 * They hear every event before the client does, and once how it ended. Without any, nothing stands in between.
 */
import type { Engine } from "../engine/contract.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";

export type Ending = {
  /** The client has gone: whatever was thrown is an echo of that. */
  readonly hungUp: boolean;
  /** What kept it from its end, if anything did. */
  readonly thrown: unknown;
};

export type GenerationObserver = {
  /** What the engine is to report beside what the client needs. */
  readonly asks: Pick<GenerateRequest, "reportsPrompts" | "reportsTimes">;
  hear(event: GenerateEvent): void;
  end(ending: Ending): void;
};

export function generateObserved(
  engine: Pick<Engine, "generate">,
  request: GenerateRequest,
  candidates: readonly (GenerationObserver | undefined)[],
  signal: AbortSignal,
): AsyncIterable<GenerateEvent> {
  const observers = candidates.filter((one) => one !== undefined);
  if (observers.length === 0) return engine.generate(request, signal);
  const asked = Object.assign({}, request, ...observers.map(({ asks }) => asks)) as GenerateRequest;
  return observed(engine.generate(asked, signal), observers, signal);
}

async function* observed(
  events: AsyncIterable<GenerateEvent>,
  observers: readonly GenerationObserver[],
  signal: AbortSignal,
): AsyncGenerator<GenerateEvent> {
  let thrown: unknown;
  try {
    for await (const event of events) {
      for (const observer of observers) observer.hear(event);
      yield event;
    }
  } catch (error) {
    thrown = error;
    throw error;
  } finally {
    for (const observer of observers) observer.end({ hungUp: signal.aborted, thrown });
  }
}
