/** The body of POST /v1/embeddings. */
import type { Truncation } from "@localmodel/inference/embed.ts";
import { z } from "zod";
import { identityFields } from "../parsing/fields.ts";
import { type Parsed, requestParser } from "../parsing/request-parser.ts";
import { textInputs } from "../parsing/text-input.ts";

const EMBEDDING_INPUTS_MAX = 2048;

/** `true` and `false` as text-embeddings-inference has it, or the end that is cut as NVIDIA and Cohere do. */
const Truncate = z.union([
  z.boolean().transform((yes) => (yes ? "end" : "none")),
  z
    .string()
    .toLowerCase()
    .pipe(z.enum(["none", "start", "end"])),
]);

const effective = {
  model: z.string().exactOptional(),
  input: textInputs({ maxInputs: EMBEDDING_INPUTS_MAX, allowsEmptyText: false }),
  encoding_format: z.enum(["float", "base64"]).exactOptional(),
  dimensions: z.int().min(1).exactOptional(),
  truncate: Truncate.exactOptional(),
  // vLLM's: -1 for as much as the context holds.
  truncate_prompt_tokens: z.union([z.literal(-1), z.int().min(1)]).exactOptional(),
} as const;

const EmbeddingSchema = z.object({ ...effective, ...identityFields });

type EmbeddingRequest = z.output<typeof EmbeddingSchema>;

export const parseEmbeddingRequest: (body: unknown) => Parsed<EmbeddingRequest> = requestParser(
  EmbeddingSchema,
  Object.keys(effective),
);

/** Undefined where a text that is too long is to be refused. */
export function truncationOf({
  truncate,
  truncate_prompt_tokens: most,
}: Pick<EmbeddingRequest, "truncate" | "truncate_prompt_tokens">): Truncation | undefined {
  const said = truncate ?? (most === undefined ? "none" : "end");
  if (said === "none") return undefined;
  return { cuts: said, ...(most !== undefined && most > 0 && { mostTokens: most }) };
}
