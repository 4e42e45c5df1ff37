/**
 * The engine, its answers read: what it tells of tokens and text becomes what they mean. Whoever stands above, watchers and
 * clients, sees only that.
 */
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import type { EventOf, Operation, RequestOf } from "@localmodel/inference/operation.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import type { Engine } from "../engine/contract.ts";
import { toolCallsReader } from "../reading/tool-calls.ts";

export function readingEngine(engine: Pick<Engine, "ask">, facts: ModelFacts): Pick<Engine, "ask"> {
  return {
    ask: <Asked extends Operation>(
      operation: Asked,
      request: RequestOf<Asked>,
      signal: AbortSignal,
    ) => {
      const events = engine.ask(operation, request, signal);
      if (operation !== "generate") return events;
      const reader = toolCallsReader(request as GenerateRequest, facts);
      if (reader === undefined) return events;
      const read = readWith(events as AsyncIterable<GenerateEvent>, reader);
      return read as AsyncIterable<EventOf<Asked>>;
    },
  };
}

async function* readWith(
  events: AsyncIterable<GenerateEvent>,
  reader: (event: GenerateEvent) => readonly GenerateEvent[],
): AsyncGenerator<GenerateEvent> {
  for await (const event of events) yield* reader(event);
}
