/** The headers by which an API describes its own answers, as its dialect has them. */
import { IGNORED_HEADER, ignoredHeader } from "@localmodel/openai/parsing/request-parser.ts";
import { dialectOf, exchangeOf } from "@localmodel/service/http/exchange.ts";
import type { RequestHandler, Response } from "express";

export const markReceived: RequestHandler = (_req, res, next) => {
  exchangeOf(res).receivedMs = performance.now();
  next();
};

/** To be called when the answer begins. */
export function markProcessed(res: Response): void {
  const { timeHeader } = dialectOf(res);
  if (timeHeader === undefined) return;
  const nowMs = performance.now();
  const elapsedMs = nowMs - (exchangeOf(res).receivedMs ?? nowMs);
  res.set(timeHeader, String(Math.round(elapsedMs)));
}

export function reportIgnored(res: Response, ignored: readonly string[]): void {
  if (ignored.length > 0) res.set(IGNORED_HEADER, ignoredHeader(ignored));
}

export function sendJson(res: Response, body: object): void {
  markProcessed(res);
  res.json(body);
}
