/**
 * What a request cost, told to the API service beside the answer: it charges keys, and never reads bodies.
 *
 * Only to who says that it takes trailers: other clients have OpenAI's `usage`.
 */
import {
  PROMPT_TOKENS_HEADER,
  type TokenUsage,
  USAGE_HEADER,
  usageHeader,
} from "@localmodel/localmodel/contracts/internal-headers.ts";
import type { Request, Response } from "express";

export function wantsReport(req: Request): boolean {
  return /\btrailers\b/i.test(req.get("te") ?? "");
}

/** Before a stream: who hangs up later has cost this much at least. */
export function reportPrompt(res: Response, promptTokens: number): void {
  if (wantsReport(res.req) && !res.headersSent) res.set(PROMPT_TOKENS_HEADER, String(promptTokens));
}

/** In a header while there is time for one, else in a trailer. */
export function reportUsage(res: Response, usage: TokenUsage): void {
  if (!wantsReport(res.req)) return;
  if (res.headersSent) res.addTrailers({ [USAGE_HEADER]: usageHeader(usage) });
  else res.set(USAGE_HEADER, usageHeader(usage));
}
