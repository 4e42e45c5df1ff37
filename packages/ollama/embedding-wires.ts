/** POST /api/embed, and /api/embeddings, its older form: texts that are too long are cut, unless that is forbidden. */
import type { EmbedEvent } from "@localmodel/inference/embed.ts";
import type { Wire } from "@localmodel/inference/wire.ts";
import { shortened } from "@localmodel/openai/embeddings/embedding-answer.ts";
import { embeddingWire } from "@localmodel/openai/embeddings/embedding-wire.ts";
import { requestParser } from "@localmodel/openai/parsing/request-parser.ts";
import { z } from "zod";
import { given } from "./requests/options.ts";
import { OLLAMA_EMBED, OLLAMA_EMBEDDINGS } from "./endpoints.ts";

const shared = {
  model: z.string().exactOptional(),
  options: z.looseObject({}).exactOptional(),
  keep_alive: z.union([z.string(), z.number()]).exactOptional(),
} as const;

const embedFields = {
  ...shared,
  input: z.unknown(),
  truncate: z.boolean().exactOptional(),
  dimensions: z.unknown().exactOptional(),
} as const;

const parseEmbed = requestParser(z.object(embedFields), Object.keys(embedFields));

export const ollamaEmbedWire: Wire<"embed"> = {
  endpoint: OLLAMA_EMBED,
  understand: (body) => {
    const { request, ignored } = parseEmbed(body);
    const { model, input, truncate = true, dimensions } = request;
    const { ask } = embeddingWire.understand(given({ model, input, truncate, dimensions }));
    return {
      model,
      ask,
      ignored,
      idPrefix: "ollama-",
      answer: ({ model: answering }, events) => ({
        model: answering,
        embeddings: vectorsIn(events).map((one) => [
          ...shortened(one, ask.dimensions ?? one.length),
        ]),
        prompt_eval_count: events.find((event) => event.type === "done")?.usage.promptTokens ?? 0,
      }),
    };
  },
};

const oldFields = { ...shared, prompt: z.string() } as const;

const parseOld = requestParser(z.object(oldFields), Object.keys(oldFields));

export const ollamaEmbeddingsWire: Wire<"embed"> = {
  endpoint: OLLAMA_EMBEDDINGS,
  understand: (body) => {
    const { request, ignored } = parseOld(body);
    const { model, prompt: input } = request;
    const { ask } = embeddingWire.understand(given({ model, input, truncate: true }));
    return {
      model,
      ask,
      ignored,
      idPrefix: "ollama-",
      answer: (_head, events) => ({ embedding: [...(vectorsIn(events)[0] ?? [])] }),
    };
  },
};

function vectorsIn(events: readonly EmbedEvent[]): readonly Float32Array[] {
  return events.flatMap((event) => (event.type === "vectors" ? event.vectors : []));
}
