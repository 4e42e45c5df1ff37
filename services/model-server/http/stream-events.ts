/** The engine's events to a client, as the frames of its dialect, and the right end for either outcome. */
import { codeOf } from "@localmodel/inference/failure.ts";
import type { AnyEvent } from "@localmodel/inference/operation.ts";
import type { Framing } from "@localmodel/inference/wire.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { logFieldsOf, markFailed } from "@localmodel/service/http/server-span.ts";
import type { Response } from "express";
import { endedEarly } from "../reading/whole-answer.ts";
import { SseResponse } from "./sse-response.ts";
import { reportPrompt, reportUsage } from "./usage-report.ts";

type StreamOptions<Event extends AnyEvent> = {
  readonly keepAliveMs: number;
  readonly log: Logger;
  readonly framesOf: Framing<Event>;
};

export async function streamEvents<Event extends AnyEvent>(
  res: Response,
  events: AsyncIterable<Event>,
  { keepAliveMs, log, framesOf }: StreamOptions<Event>,
): Promise<void> {
  using stream = new SseResponse(res, {
    keepAliveMs,
    log: log.child(logFieldsOf(res)),
    idle: framesOf.idle,
  });
  try {
    let complete = false;
    for await (const event of events) {
      if (event.type === "accepted") reportPrompt(res, event.promptTokens);
      for (const frame of framesOf(event)) stream.send(frame);
      if (event.type !== "done") continue;
      reportUsage(res, event.usage);
      complete = true;
    }
    if (!complete) throw endedEarly();
    stream.done();
  } catch (error) {
    if (!res.destroyed) markFailed(res, codeOf(error));
    stream.fail(error, framesOf.failed);
  }
}
