/** Asks one model server to do something, such as to load its weights, and waits until it has. */
import { Agent, request } from "undici";

/** Longer than any model takes to be loaded. */
const ANSWER_MAX_MS = 3_600_000;

/** It is asked rarely, and may answer late: no connection is kept for the next time. */
const dispatcher = new Agent({ pipelining: 0, headersTimeout: ANSWER_MAX_MS });

/** Throws where it does not, or cannot be asked. */
export async function askServer(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const asked = { method: "POST", dispatcher, headers, signal } as const;
  const { statusCode, body } = await request(url, asked);
  await body.dump();
  if (statusCode >= 300) throw new Error(`the model server answers ${url} with ${statusCode}`);
}
