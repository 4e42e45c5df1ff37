/**
 * The bodies of POST /tokenize and /detokenize, which llama.cpp's server and vLLM have, in the form of either: a text is
 * `content` to the one and `prompt` to the other.
 */
import { MEDIUM_TOKEN } from "@localmodel/inference/tokenize.ts";
import { z } from "zod";
import { boundedArray, Text } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import { requestParser } from "../parsing/request-parser.ts";
import { mixedContent } from "./mixed-content.ts";

const TOKENS_MAX = 1_000_000;

const model = z.string().exactOptional();

const tokenize = {
  model,
  content: mixedContent({ maxParts: TOKENS_MAX }).exactOptional(),
  add_special: z.boolean().exactOptional(),
  parse_special: z.boolean().exactOptional(),
  with_pieces: z.boolean().exactOptional(),
  prompt: Text.exactOptional(),
  add_special_tokens: z.boolean().exactOptional(),
  return_token_strs: z.boolean().exactOptional(),
} as const;

const TokenizeSchema = z.object(tokenize).superRefine(({ content, prompt }, context) => {
  if ((content === undefined) !== (prompt === undefined)) return;
  const message = "Send one of 'content', 'prompt' and 'messages'.";
  context.addIssue({ ...refusal(message, "invalid_value"), path: ["content"] });
});

export type TokenizeBody = z.output<typeof TokenizeSchema>;

export const parseTokenizeRequest = requestParser(TokenizeSchema, Object.keys(tokenize));

const detokenize = {
  model,
  tokens: boundedArray(z.int().min(MEDIUM_TOKEN), { max: TOKENS_MAX }),
} as const;

export const parseDetokenizeRequest = requestParser(z.object(detokenize), Object.keys(detokenize));
