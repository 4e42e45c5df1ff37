/** The engine's events to a client, one server-sent event at a time, and the right end for either outcome. */
import type { Logger } from "@localmodel/service/log.ts";
import { logFieldsOf, markFailed } from "@localmodel/service/server-span.ts";
import type { Response } from "express";
import { codeOf } from "@localmodel/inference/failure.ts";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { endedEarly } from "../reading/outcome.ts";
import { SseResponse } from "./sse-response.ts";
import { reportPrompt, reportUsage } from "./usage-report.ts";

export type StreamOptions = {
  readonly keepAliveMs: number;
  readonly log: Logger;
  /** The wire's form of an event; nothing for one that is none of the client's business. */
  readonly toChunk: (event: GenerateEvent) => object | undefined;
};

export async function streamEvents(
  res: Response,
  events: AsyncIterable<GenerateEvent>,
  { keepAliveMs, log, toChunk }: StreamOptions,
): Promise<void> {
  using stream = new SseResponse(res, {
    keepAliveMs,
    log: log.child(logFieldsOf(res)),
  });
  try {
    let complete = false;
    for await (const event of events) {
      if (event.type === "accepted") reportPrompt(res, event.promptTokens);
      const chunk = toChunk(event);
      if (chunk !== undefined) stream.send({ data: chunk });
      if (event.type !== "done") continue;
      reportUsage(res, event.usage);
      complete = true;
    }
    if (!complete) throw endedEarly();
    stream.done();
  } catch (error) {
    if (!res.destroyed) markFailed(res, codeOf(error));
    stream.fail(error);
  }
}
