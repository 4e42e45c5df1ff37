/**
 * The answer's bytes to the client, as they come and no faster than the client reads.
 *
 * Once the head is out, a failure can only be told inside the stream: an error event and no [DONE]. An
 * answer that is not a stream of events has no place for one, so its connection is cut.
 */
import { once } from "node:events";
import { errorBody } from "@localmodel/openai/errors.ts";
import { DONE, frame } from "@localmodel/openai/sse.ts";
import type { Response } from "express";
import { clientHeaders } from "./forwarded-headers.ts";
import { toClientError } from "./upstream-error.ts";
import type { UpstreamAnswer } from "./upstream.ts";
import { WholeEvents } from "./whole-events.ts";

/** Throws what broke the answer, after the client has been told. */
export async function relay(
  answer: UpstreamAnswer,
  res: Response,
  signal: AbortSignal,
): Promise<void> {
  res.status(answer.status).set(clientHeaders(answer.headers));
  res.flushHeaders();
  if (isEventStream(answer)) await relayEvents(answer, res, signal);
  else await relayBytes(answer, res, signal);
}

async function relayEvents(
  answer: UpstreamAnswer,
  res: Response,
  signal: AbortSignal,
): Promise<void> {
  const events = new WholeEvents();
  let done = false;
  try {
    for await (const chunk of answer.body) {
      const whole = events.push(chunk);
      if (whole.length === 0) continue;
      done = whole.subarray(-DONE.length).equals(DONE_BYTES);
      await write(res, whole, signal);
    }
    res.end(events.rest());
  } catch (thrown) {
    if (done) res.end();
    else if (events.insideEvent) res.destroy();
    else res.end(frame(errorBody(toClientError(signal.reason ?? thrown))));
    throw thrown;
  }
}

const DONE_BYTES = Buffer.from(DONE);

async function relayBytes(
  answer: UpstreamAnswer,
  res: Response,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const chunk of answer.body) await write(res, chunk, signal);
    res.end();
  } catch (thrown) {
    res.destroy();
    throw thrown;
  }
}

/** Waits for a client that has not read what it was sent before. */
async function write(res: Response, bytes: Buffer, signal: AbortSignal): Promise<void> {
  if (!res.write(bytes)) await once(res, "drain", { signal });
}

function isEventStream(answer: UpstreamAnswer): boolean {
  return String(answer.headers["content-type"] ?? "").startsWith("text/event-stream");
}
