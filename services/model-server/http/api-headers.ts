/** The headers by which OpenAI's API describes its own answers. */
import { IGNORED_HEADER, ignoredHeader } from "@localmodel/openai/parsing/request-parser.ts";
import { exchangeOf } from "@localmodel/service/http/exchange.ts";
import type { RequestHandler, Response } from "express";

const OPENAI_VERSION = "2020-10-01";

export const apiHeaders: RequestHandler = (_req, res, next) => {
  exchangeOf(res).receivedMs = performance.now();
  res.set("openai-version", OPENAI_VERSION);
  next();
};

/** To be called when the answer begins. */
export function markProcessed(res: Response): void {
  const nowMs = performance.now();
  const elapsedMs = nowMs - (exchangeOf(res).receivedMs ?? nowMs);
  res.set("openai-processing-ms", String(Math.round(elapsedMs)));
}

export function reportIgnored(res: Response, ignored: readonly string[]): void {
  if (ignored.length > 0) res.set(IGNORED_HEADER, ignoredHeader(ignored));
}

export function sendJson(res: Response, body: object): void {
  markProcessed(res);
  res.json(body);
}
