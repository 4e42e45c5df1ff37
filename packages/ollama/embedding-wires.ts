/** POST /api/embed, and /api/embeddings, its older form: texts that are too long are cut, unless that is forbidden. */
import type { EmbedAsk } from "@localmodel/inference/asks.ts";
import type { EmbedEvent } from "@localmodel/inference/embed.ts";
import type { Wire } from "@localmodel/inference/wire.ts";
import { shortened } from "@localmodel/openai/embeddings/embedding-answer.ts";
import { embeddingWire } from "@localmodel/openai/embeddings/embedding-wire.ts";
import { requestParser } from "@localmodel/openai/parsing/request-parser.ts";
import { z } from "zod";
import { durationsOf } from "./answers/durations.ts";
import { given } from "./requests/options.ts";
import { OLLAMA_EMBED, OLLAMA_EMBEDDINGS } from "./endpoints.ts";

/** The model is loaded, and stays so for as long as the request says. */
const NOTHING: EmbedAsk = { inputs: [] };

function asksNothing(input: unknown): boolean {
  return input === undefined || input === "" || (Array.isArray(input) && input.length === 0);
}

const shared = {
  model: z.string().exactOptional(),
  options: z.looseObject({}).exactOptional(),
  keep_alive: z.union([z.string(), z.number()]).exactOptional(),
} as const;

const embedFields = {
  ...shared,
  input: z.unknown().exactOptional(),
  truncate: z.boolean().exactOptional(),
  dimensions: z.unknown().exactOptional(),
} as const;

const parseEmbed = requestParser(z.object(embedFields), Object.keys(embedFields));

export const ollamaEmbedWire: Wire<"embed"> = {
  endpoint: OLLAMA_EMBED,
  understand: (body) => {
    const { request, ignored } = parseEmbed(body);
    const { model, input, truncate = true, dimensions } = request;
    const asked = { model, input, truncate, dimensions };
    const ask = asksNothing(input) ? NOTHING : embeddingWire.understand(given(asked)).ask;
    return {
      model,
      ask,
      ignored,
      reports: { reportsTimes: true },
      idPrefix: "ollama-",
      answer: ({ model: answering }, events) => ({
        model: answering,
        embeddings: vectorsIn(events).map((one) => [
          ...shortened(one, ask.dimensions ?? one.length),
        ]),
        ...wholeDurations(events),
        prompt_eval_count: events.find((event) => event.type === "done")?.usage.promptTokens ?? 0,
      }),
    };
  },
};

const oldFields = { ...shared, prompt: z.string().exactOptional() } as const;

const parseOld = requestParser(z.object(oldFields), Object.keys(oldFields));

export const ollamaEmbeddingsWire: Wire<"embed"> = {
  endpoint: OLLAMA_EMBEDDINGS,
  understand: (body) => {
    const { request, ignored } = parseOld(body);
    const { model, prompt: input } = request;
    const asked = given({ model, input, truncate: true });
    const ask = asksNothing(input) ? NOTHING : embeddingWire.understand(asked).ask;
    return {
      model,
      ask,
      ignored,
      idPrefix: "ollama-",
      answer: (_head, events) => ({ embedding: [...(vectorsIn(events)[0] ?? [])] }),
    };
  },
};

/** Ollama tells no others of embeddings. */
function wholeDurations(events: readonly EmbedEvent[]): object {
  const { prompt_eval_duration: _, ...durations } = durationsOf(events);
  return durations;
}

function vectorsIn(events: readonly EmbedEvent[]): readonly Float32Array[] {
  return events.flatMap((event) => (event.type === "vectors" ? event.vectors : []));
}
