/**
 * A client that costs next to nothing: on a machine whose every core the engine uses, whatever a
 * client computes is taken from the tokens it counts.
 *
 * It takes the time of every event and reads nothing of it but the usage at the end.
 */
import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

export type StreamResult = {
  readonly status: number;
  /** When each event with text arrived, on the clock of `performance.now()`. */
  readonly arrivalsMs: readonly number[];
  readonly promptTokens: number;
  readonly completionTokens: number;
};

/** Posts a streaming completion and resolves when it ends, also when `signal` ends it. */
export function stream(
  url: string,
  body: object,
  options: { readonly signal?: AbortSignal; readonly onEvent?: (count: number) => void } = {},
): Promise<StreamResult> {
  const { promise, resolve, reject } = Promise.withResolvers<StreamResult>();
  const arrivalsMs: number[] = [];
  let tail = "";
  let status = 0;
  const finish = () => {
    const [, prompt, completion] =
      /"prompt_tokens":(\d+).*?"completion_tokens":(\d+)/.exec(tail) ?? [];
    resolve({
      status,
      arrivalsMs,
      promptTokens: Number(prompt ?? 0),
      completionTokens: Number(completion ?? 0),
    });
  };
  const outgoing = request(`${url}/v1/completions`, {
    agent,
    method: "POST",
    headers: { "content-type": "application/json" },
    ...(options.signal && { signal: options.signal }),
  });
  outgoing.on("response", (response) => {
    status = response.statusCode ?? 0;
    response.setEncoding("latin1");
    response.on("data", (text: string) => {
      const now = performance.now();
      for (let at = text.indexOf('"text":'); at !== -1; at = text.indexOf('"text":', at + 7)) {
        arrivalsMs.push(now);
        options.onEvent?.(arrivalsMs.length);
      }
      tail = text.length < 1024 ? tail.slice(-1024) + text : text.slice(-2048);
    });
    response.on("end", finish);
    response.on("error", (error) => (options.signal?.aborted ? finish() : reject(error)));
  });
  outgoing.on("error", (error) => (options.signal?.aborted ? finish() : reject(error)));
  const asked = { ...body, stream: true, stream_options: { include_usage: true } };
  outgoing.end(JSON.stringify(asked));
  return promise;
}

/** Text that never repeats and that a model goes on with for ever: no prefix to reuse, no early end. */
export function endlessPrompt(): string {
  const start = 1000 + Math.floor(Math.random() * 8000);
  return Array.from({ length: 8 }, (_, index) => start + index).join(", ") + ",";
}
