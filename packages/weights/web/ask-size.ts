/**
 * Asks a source on the web how big its file is, without fetching it.
 */
import { remoteFileOf } from "../http/remote-file.ts";
import { discardBody } from "../http/web-client.ts";
import { isOffline, locate, type WebSource } from "./web-location.ts";
import type { AskingSession } from "./web-session.ts";

const ANSWER_TIMEOUT_MS = 10_000;

/** In bytes; undefined where it is not said or nobody answers in time. */
export async function askSize(
  source: WebSource,
  session: AskingSession,
): Promise<number | undefined> {
  if (isOffline(source, session.environment)) return undefined;
  try {
    const response = await session.web.get({
      ...(await locate(source, session)),
      headers: {},
      signal: AbortSignal.any([session.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    discardBody(response.body);
    return remoteFileOf(response).sizeBytes;
  } catch {
    session.signal.throwIfAborted();
    return undefined;
  }
}
