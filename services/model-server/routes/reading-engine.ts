/**
 * The engine, its answers read: what it tells of tokens and text becomes what they mean. Whoever stands above, watchers and
 * clients, sees only that.
 */
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import type { EventOf, Operation, RequestOf } from "@localmodel/inference/operation.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import type { Engine } from "../engine/contract.ts";
import { reasoningReader } from "../reading/reasoning-reader.ts";
import { toolCallsReader } from "../reading/tool-calls.ts";
import { thinkingOf } from "../resolve/thinking.ts";

export function readingEngine(engine: Pick<Engine, "ask">, facts: ModelFacts): Pick<Engine, "ask"> {
  return {
    ask: <Asked extends Operation>(
      operation: Asked,
      request: RequestOf<Asked>,
      signal: AbortSignal,
    ) => {
      const events = engine.ask(operation, request, signal);
      if (operation !== "generate") return events;
      const reader = readerOf(request as GenerateRequest, facts);
      if (reader === undefined) return events;
      const read = readWith(events as AsyncIterable<GenerateEvent>, reader);
      return read as AsyncIterable<EventOf<Asked>>;
    },
  };
}

type Reader = (event: GenerateEvent) => readonly GenerateEvent[];

/** Calls of tools are read in what is not thought. */
function readerOf(request: GenerateRequest, facts: ModelFacts): Reader | undefined {
  const reasoning = reasoningOf(request, facts);
  const calls = toolCallsReader(request, facts);
  if (reasoning === undefined || calls === undefined) return reasoning ?? calls;
  return (event) => reasoning(event).flatMap((one) => (isThought(one) ? [one] : calls(one)));
}

function isThought(event: GenerateEvent): boolean {
  return event.type === "delta" && event.isReasoning === true;
}

function reasoningOf({ prompts }: GenerateRequest, { template }: ModelFacts): Reader | undefined {
  const [prompt] = prompts;
  const reasoning = template?.reasoning;
  if (prompt?.kind !== "chat" || reasoning === undefined) return undefined;
  const opens = reasoning.opens[thinkingOf(prompt.templateVariables)];
  return reasoningReader(reasoning, opens && prompt.begun === undefined);
}

async function* readWith(
  events: AsyncIterable<GenerateEvent>,
  reader: Reader,
): AsyncGenerator<GenerateEvent> {
  for await (const event of events) yield* reader(event);
}
