/**
 * The body of POST /v1/rerank: in the forms of Jina, Cohere and vLLM the documents are `documents`; in that of
 * text-embeddings-inference, which llama.cpp's server takes as well, they are `texts`.
 */
import { z } from "zod";
import { boundedArray, saysNothing, Text, unsupportedUnless } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import { requestParser } from "../parsing/request-parser.ts";

const DOCUMENTS_MAX = 2048;
const RANK_FIELDS_MAX = 64;

const Document = z.union([Text, z.record(z.string(), z.unknown())]);
export type SentDocument = z.output<typeof Document>;

const documents = boundedArray(Document, { min: 1, max: DOCUMENTS_MAX });

const effective = {
  model: z.string().exactOptional(),
  query: z.string().min(1).pipe(Text),
  documents: documents.exactOptional(),
  texts: documents.exactOptional(),
  rank_fields: boundedArray(z.string(), { max: RANK_FIELDS_MAX }).exactOptional(),
  top_n: z.int().min(1).exactOptional(),
  return_documents: z.boolean().exactOptional(),
  return_text: z.boolean().exactOptional(),
  raw_scores: z.boolean().exactOptional(),
  truncate: z.boolean().exactOptional(),
  truncation_direction: unsupportedUnless(
    z.string(),
    (direction) => saysNothing(direction) || direction.toLowerCase() === "right",
    {
      message:
        "Invalid '{param}': documents lose their ends, so it can only be 'right' here. Cut off the beginnings yourself.",
    },
  ).exactOptional(),
  max_tokens_per_doc: z.int().min(1).exactOptional(),
} as const;

const RerankSchema = z.object(effective).superRefine((request, context) => {
  if ((request.documents === undefined) !== (request.texts === undefined)) return;
  const message = "Send one of 'documents' and 'texts'.";
  context.addIssue({ ...refusal(message, "invalid_value"), path: ["documents"] });
});

export type RerankBody = z.output<typeof RerankSchema>;

export const parseRerankRequest = requestParser(RerankSchema, Object.keys(effective));
