/**
 * What all of Ollama's generations may say, and what it is called in OpenAI's form, in which it is understood further: the
 * options of its samplers have the names that llama.cpp's server has for them, which are known there.
 */
import { nullsAbsent } from "@localmodel/openai/parsing/fields.ts";
import { z } from "zod";

const Options = nullsAbsent(z.looseObject({ num_predict: z.int().min(-2).exactOptional() }));

/** With `think`, the levels of models that know some. */
const Think = z.union([z.boolean(), z.enum(["low", "medium", "high", "max"])]);

const TOP_LOGPROBS_MAX = 20;

/** Of files in base64. */
export const Images = z.array(z.string()).max(64);

export const generationFields = {
  model: z.string().exactOptional(),
  stream: z.boolean().exactOptional(),
  format: z.unknown().exactOptional(),
  options: Options.exactOptional(),
  think: Think.exactOptional(),
  keep_alive: z.union([z.string(), z.number()]).exactOptional(),
  logprobs: z.boolean().exactOptional(),
  top_logprobs: z.int().min(0).max(TOP_LOGPROBS_MAX).exactOptional(),
} as const;

export type Generation = {
  readonly model?: string;
  readonly stream?: boolean;
  readonly format?: unknown;
  readonly options?: z.output<typeof Options>;
  readonly think?: z.output<typeof Think>;
  readonly keep_alive?: string | number;
  readonly logprobs?: boolean;
  readonly top_logprobs?: number;
};

/** Options of samplers that both forms have. Others, of the context and the machine, have no effect on an answer here. */
const SAMPLING = [
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "typical_p",
  "seed",
  "stop",
  "repeat_penalty",
  "repeat_last_n",
  "presence_penalty",
  "frequency_penalty",
  "mirostat",
  "mirostat_tau",
  "mirostat_eta",
] as const;

/** `num_predict`: -1 is without end, -2 as far as the context goes, which is the same, and 0 is no maximum, either. */
export function openAiFields({ model, format, options = {}, think }: Generation): object {
  const { num_predict: most } = options;
  const sampling = SAMPLING.flatMap((name) => (name in options ? [[name, options[name]]] : []));
  return given({
    model,
    format,
    ...(most !== undefined && { max_tokens: most > 0 ? most : -1 }),
    ...(typeof think === "boolean" && { enable_thinking: think }),
    ...(typeof think === "string" && { reasoning_effort: think === "max" ? "high" : think }),
    ...Object.fromEntries(sampling),
  });
}

/** Without what was left out. */
export function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A message in OpenAI's form, with its images before the text, as Ollama has it. What kind of file one is, its bytes say. */
export function contentOf(text: string, images: readonly string[] = []): unknown {
  if (images.length === 0) return text;
  const parts = images.map((data) => ({
    type: "image_url",
    image_url: { url: data.startsWith("data:") ? data : `data:image/png;base64,${data}` },
  }));
  return [...parts, ...(text === "" ? [] : [{ type: "text", text }])];
}
