/**
 * Reading what the API server sent, within bounds.
 */
import type { Readable } from "node:stream";
import { ApiStatusError, type Status } from "./api-errors.ts";

/** A list of everything, unpaged, from a big cluster. */
const BODY_MAX_BYTES = 256 * 1024 * 1024;
const ERROR_MAX_BYTES = 64 * 1024;

type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

export async function readBody(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > BODY_MAX_BYTES)
      throw new Error(`the answer is larger than ${BODY_MAX_BYTES} B`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}

/** The error an answer with a status of 400 or more stands for. */
export async function readError(
  attempted: string,
  code: number,
  headers: ResponseHeaders,
  body: Readable,
): Promise<ApiStatusError> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // Leaving the loop early gives the connection up, which is right for an error without an end.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > ERROR_MAX_BYTES) break;
  }
  const status = statusIn(Buffer.concat(chunks).toString("utf8"));
  return new ApiStatusError(attempted, { ...status, code }, retryAfterMs(headers["retry-after"]));
}

function statusIn(text: string): Status {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "kind" in parsed) return parsed as Status;
  } catch {
    // Whatever stands before the API server answers in its own words.
  }
  return { message: text.trim() };
}

/** Kubernetes only ever sends seconds; the other form of the header is a date. */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && /^[0-9]{1,6}$/.test(header)
    ? Number(header) * 1000
    : undefined;
}
