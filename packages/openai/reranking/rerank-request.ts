/** The body of POST /v1/rerank, in the forms of Jina, Cohere and vLLM, and with llama.cpp's `texts`. */
import { z } from "zod";
import { boundedArray, Text } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import { requestParser } from "../parsing/request-parser.ts";

const DOCUMENTS_MAX = 2048;

const Document = z.union([Text, z.object({ text: Text }).transform(({ text }) => text)]);
const documents = boundedArray(Document, { min: 1, max: DOCUMENTS_MAX });

const effective = {
  model: z.string().exactOptional(),
  query: z.string().min(1).pipe(Text),
  documents: documents.exactOptional(),
  texts: documents.exactOptional(),
  top_n: z.int().min(1).exactOptional(),
  return_documents: z.boolean().exactOptional(),
  truncate: z.boolean().exactOptional(),
  max_tokens_per_doc: z.int().min(1).exactOptional(),
} as const;

const RerankSchema = z.object(effective).superRefine((request, context) => {
  if ((request.documents === undefined) !== (request.texts === undefined)) return;
  const message = "Send one of 'documents' and 'texts'.";
  context.addIssue({ ...refusal(message, "invalid_value"), path: ["documents"] });
});

export const parseRerankRequest = requestParser(RerankSchema, Object.keys(effective));
