/**
 * Whose client asks for what is no endpoint of a model, a list say: Ollama's by the path, Anthropic's by the header that it
 * always sends. Lists and refusals are in their form.
 */
import { anthropic } from "@localmodel/anthropic/dialect.ts";
import { ollama } from "@localmodel/ollama/dialect.ts";
import { dialectOf, type OtherDialect } from "@localmodel/service/http/exchange.ts";
import type { Response } from "express";

/** LM Studio's lists are below Ollama's paths, and its clients are OpenAI's. */
const OLLAMA_PATH = /^\/api\/(?!v\d+(?:\/|$))/;

export const dialectOfOthers: OtherDialect = (req) => {
  if (OLLAMA_PATH.test(req.path)) return ollama;
  return req.get("anthropic-version") === undefined ? undefined : anthropic;
};

export function isAnthropics(res: Response): boolean {
  return dialectOf(res) === anthropic;
}
