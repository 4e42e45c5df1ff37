/** One question to who gives keys, with its answer as text: short, and never from where a redirect leads. */
import { networkFailure } from "../http/network-failure.ts";
import { type Question, WebClient } from "../http/web-client.ts";
import { WeightsError } from "../source/weights-error.ts";

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 65_536;

export type Answer = { readonly status: number; readonly text: string };

/** `environment`: for its proxies; addresses of this machine alone are asked without any. */
export async function ask(
  question: Omit<Question, "signal">,
  environment: NodeJS.ProcessEnv = {},
): Promise<Answer> {
  const { host } = new URL(question.url);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  await using web = new WebClient(environment);
  try {
    const { status, body } = await web.ask({ ...question, signal });
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of body as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > ANSWER_BYTES_MAX) throw unusable(host, `more than ${ANSWER_BYTES_MAX} bytes`);
      pieces.push(piece);
    }
    return { status, text: Buffer.concat(pieces).toString("utf8") };
  } catch (error) {
    if (error instanceof WeightsError) throw error;
    if (signal.aborted) throw unusable(host, `nothing within ${TIMEOUT_MS / 1000} seconds`, error);
    const failure = networkFailure(error, host);
    if (failure === undefined) throw error;
    throw new WeightsError("SourceUnavailable", `no keys for S3: ${failure.message}`, {
      cause: error,
    });
  }
}

function unusable(host: string, what: string, cause?: unknown): WeightsError {
  const message = `no keys for S3: ${host}, which should give some, answers ${what}`;
  return new WeightsError("SourceUnavailable", message, { cause });
}
