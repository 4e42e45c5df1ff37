/**
 * The fields that several requests share, and the rules all fields follow.
 *
 * A null means the same as leaving the field out, as in OpenAI's own schema, so `nullsAbsent` removes nulls
 * before an object is looked at. After that a value has the right type and range or is refused: nothing is
 * coerced, clamped or replaced by a default.
 */
import { z } from "zod";
import { refusal } from "./issue.ts";
import { rareSamplingFields } from "./rare-sampling.ts";

/** OpenAI takes 4. Editors and role-play clients send a dozen and more, and mean all of them. */
const STOP_MAX_STRINGS = 64;
/** In the request, empty ones included: what is read before it is looked at. */
const STOP_MAX_SENT = 1024;
const STOP_MAX_CHARACTERS = 1024;
const CHOICES_MAX = 128;
const LOGIT_BIAS_MAX_ENTRIES = 10_000;
const METADATA_MAX_ENTRIES = 16;
const METADATA_NAME_MAX = 64;

/** An object whose null fields count as absent. */
export function nullsAbsent<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => (isRecord(value) ? withoutNulls(value) : value), schema);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutNulls(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

/**
 * Any text. A lone surrogate, which is what remains of an emoji that a client cut in half, becomes U+FFFD
 * as it would in every UTF-8 encoder: refusing the request would help nobody.
 */
export const Text = z.string().transform((text) => text.toWellFormed());

/** An array whose length is checked before its elements, so that a huge one costs little. */
export function boundedArray<Element extends z.ZodType>(
  element: Element,
  { min = 0, max }: { min?: number; max: number },
) {
  return z.array(z.unknown()).min(min).max(max).pipe(z.array(element));
}

/** Accepts `schema`, and refuses a value that asks for what this server does not do. */
export function unsupportedUnless<Schema extends z.ZodType>(
  schema: Schema,
  harmless: (value: z.output<Schema>) => boolean,
  { message = "This server does not support '{param}' yet.", code = "unsupported_parameter" } = {},
) {
  return schema.superRefine((value, context) => {
    if (!harmless(value)) context.addIssue(refusal(message, code));
  });
}

/** Values by which clients say "not used" without leaving the field out. */
export function saysNothing(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === false || value === 0 || value === "";
}

const StopString = z.string().max(STOP_MAX_CHARACTERS).pipe(Text);

/** An empty stop string would match everywhere; clients send it for "none". */
const Stop = z
  .union([StopString.transform((stop) => [stop]), boundedArray(StopString, { max: STOP_MAX_SENT })])
  .transform((strings) => strings.filter((stop) => stop !== ""))
  .pipe(z.array(z.string()).max(STOP_MAX_STRINGS));

/** OpenAI says int64. Beyond 2^53 JSON numbers lose digits before anyone can look; equal seeds stay equal. */
const Seed = z
  .number()
  .refine(Number.isInteger, refusal("Invalid '{param}': expected an integer.", "invalid_type"))
  .min(-(2 ** 63))
  .max(2 ** 63)
  // llama.cpp's word for "a random one", which its clients send. Other negative seeds are seeds.
  .transform((seed) => (seed === -1 ? undefined : seed));

const TOKEN_ID = /^(?:0|[1-9][0-9]{0,9})$/;

/** Pairs of token and bias. What adds nothing is dropped, whatever its key. */
const LogitBias = nullsAbsent(z.record(z.string(), z.number().min(-100).max(100))).transform(
  (record, context): [token: number, bias: number][] => {
    const entries = Object.entries(record).filter(([, bias]) => bias !== 0);
    const invalid = entries.find(([key]) => !TOKEN_ID.test(key));
    if (invalid !== undefined || entries.length > LOGIT_BIAS_MAX_ENTRIES) {
      context.addIssue(
        refusal(
          `Invalid '{param}': expected at most ${LOGIT_BIAS_MAX_ENTRIES} entries, each with a token id as its key.`,
          "invalid_value",
        ),
      );
      return z.NEVER;
    }
    return entries.map(([key, bias]) => [Number(key), bias]);
  },
);

const StreamOptions = nullsAbsent(
  z.object({
    include_usage: z.boolean().exactOptional(),
    include_obfuscation: z.boolean().exactOptional(),
    continuous_usage_stats: z.boolean().exactOptional(),
  }),
);

/** The engine divides by it, in 32 bits: nothing sensible lies below a hundredth. */
const RepeatPenalty = z.number().min(0.01).max(10);

/** How to sample and when to stop: the same for chats and completions. */
export const samplingFields = {
  temperature: z.number().min(0).max(2).exactOptional(),
  top_p: z.number().min(0).max(1).exactOptional(),
  n: z.int().min(1).max(CHOICES_MAX).exactOptional(),
  stop: Stop.exactOptional(),
  presence_penalty: z.number().min(-2).max(2).exactOptional(),
  frequency_penalty: z.number().min(-2).max(2).exactOptional(),
  logit_bias: LogitBias.exactOptional(),
  seed: Seed.exactOptional(),
  stream: z.boolean().exactOptional(),
  stream_options: StreamOptions.exactOptional(),
  // Not OpenAI's, but sent by clients of every local server.
  top_k: z.int().min(-1).max(1_000_000).exactOptional(),
  min_p: z.number().min(0).max(1).exactOptional(),
  repeat_penalty: RepeatPenalty.exactOptional(),
  repetition_penalty: RepeatPenalty.exactOptional(),
  ...rareSamplingFields,
  ignore_eos: z.boolean().exactOptional(),
  min_tokens: z.int().min(0).exactOptional(),
  cache_prompt: z.boolean().exactOptional(),
} as const;

/** −1 is LM Studio's way to say unlimited; 0 evaluates the prompt and generates nothing. */
export const maxTokens = z.int().min(-1);

export const identityFields = {
  user: z.string().exactOptional(),
} as const;

const Metadata = nullsAbsent(z.record(z.string(), z.string().max(512)))
  .refine(
    (metadata) => Object.keys(metadata).length <= METADATA_MAX_ENTRIES,
    refusal(
      `Invalid '{param}': expected at most ${METADATA_MAX_ENTRIES} entries.`,
      "invalid_value",
    ),
  )
  .refine(
    (metadata) => Object.keys(metadata).every(({ length }) => length <= METADATA_NAME_MAX),
    refusal(
      `Invalid '{param}': expected names of at most ${METADATA_NAME_MAX} characters.`,
      "invalid_value",
    ),
  );

/** Typed, and without any effect on an answer of this server. */
export const bookkeepingFields = {
  ...identityFields,
  metadata: Metadata.exactOptional(),
  store: z.boolean().exactOptional(),
  service_tier: z.string().exactOptional(),
  safety_identifier: z.string().max(64).exactOptional(),
  prompt_cache_key: z.string().exactOptional(),
} as const;

/** A field that may be there as long as it asks for nothing. */
export const unused = unsupportedUnless(z.unknown(), saysNothing).exactOptional();

/** Extensions of other servers which change what the answer may be: ignoring them would give a wrong one. */
export const unsupportedExtensions = {
  stop_token_ids: unused,
  bad_words: unused,
  include_stop_str_in_output: unused,
  use_beam_search: unused,
  truncate_prompt_tokens: unused,
  prompt_logprobs: unsupportedUnless(z.unknown(), (count) => count === undefined).exactOptional(),
} as const;
