/** The body of POST /v1/embeddings. */
import { z } from "zod";
import { identityFields } from "../parsing/fields.ts";
import { type Parsed, requestParser } from "../parsing/request-parser.ts";
import { textInputs } from "../parsing/text-input.ts";

const EMBEDDING_INPUTS_MAX = 2048;

const effective = {
  model: z.string().exactOptional(),
  input: textInputs({ maxInputs: EMBEDDING_INPUTS_MAX, allowsEmptyText: false }),
  encoding_format: z.enum(["float", "base64"]).exactOptional(),
  dimensions: z.int().min(1).exactOptional(),
} as const;

const EmbeddingSchema = z.object({ ...effective, ...identityFields });

type EmbeddingRequest = z.output<typeof EmbeddingSchema>;

export const parseEmbeddingRequest: (body: unknown) => Parsed<EmbeddingRequest> = requestParser(
  EmbeddingSchema,
  Object.keys(effective),
);
