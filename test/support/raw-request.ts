/**
 * HTTP as it is on the wire: status, headers and body of one request, and the events of a stream with
 * everything a client library would hide.
 */
import { type IncomingHttpHeaders, request } from "node:http";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

type RawResponse = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
};

/** Posts a text or bytes as they are; any other value is sent as JSON. */
export function post(
  url: string,
  body: unknown,
  options: { readonly signal?: AbortSignal; readonly headers?: Record<string, string> } = {},
): Promise<RawResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<RawResponse>();
  const outgoing = request(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...options.headers },
    ...(options.signal && { signal: options.signal }),
  });
  outgoing.on("error", reject);
  outgoing.on("response", (response) =>
    resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response }),
  );
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  outgoing.end(isRaw ? body : JSON.stringify(body));
  return promise;
}

export async function postJson(
  url: string,
  body: unknown,
): Promise<{ status: number; headers: IncomingHttpHeaders; json: unknown }> {
  const { status, headers, body: stream } = await post(url, body);
  return { status, headers, json: JSON.parse(await text(stream)) as unknown };
}

/** The `data` of every event, until the stream ends or breaks. Comments are skipped. */
export async function* eventsOf(stream: Readable): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const bytes of stream) {
    const events = (rest + decoder.decode(bytes as Buffer, { stream: true })).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data !== undefined) yield data.slice("data: ".length);
    }
  }
  if (rest !== "") throw new Error(`The stream ended inside an event: ${JSON.stringify(rest)}`);
}
