/**
 * What response headers tell about a file.
 *
 * The Hub keeps big files elsewhere and says on the redirect what they are: `x-linked-size`, and
 * `x-linked-etag`, which for such files is their SHA-256. That checksum is used even when the LocalModel
 * has none.
 */
import type { ResponseHeaders } from "./web-client.ts";

/** Tells whether a file is still the one it was (RFC 9110: `If-Range` wants a strong one). */
export type Validator = { readonly etag: string } | { readonly lastModified: string };

export type RemoteFile = {
  readonly sizeBytes?: number;
  readonly sha256?: string;
  /** Entity tag, weak or strong. */
  readonly etag?: string;
  readonly lastModified?: string;
};

type Answer = {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly redirects: readonly ResponseHeaders[];
};

export function remoteFileOf({ status, headers, redirects }: Answer): RemoteFile {
  const all = [...redirects, headers];
  const linked = first(all, "x-linked-etag")?.replace(/^W\//, "").replaceAll('"', "").toLowerCase();
  const sizeBytes = wholeNumber(first(all, "x-linked-size")) ?? sizeOfBody(status, headers);
  return {
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(linked !== undefined && /^[0-9a-f]{64}$/.test(linked) ? { sha256: linked } : {}),
    ...(headers["etag"] === undefined ? {} : { etag: headers["etag"] }),
    ...(headers["last-modified"] === undefined ? {} : { lastModified: headers["last-modified"] }),
  };
}

/** What an interrupted download of this answer can be continued with. */
export function validatorOf(headers: ResponseHeaders): Validator | undefined {
  const etag = headers["etag"];
  if (etag?.startsWith('"')) return { etag };
  const lastModified = headers["last-modified"];
  return lastModified === undefined ? undefined : { lastModified };
}

/** `bytes START-END/TOTAL` or `bytes *\/TOTAL`. */
export function parseContentRange(
  value: string | undefined,
): { start?: number; totalBytes?: number } | undefined {
  const match = /^bytes\s+(?:(\d+)-\d+|\*)\/(\d+|\*)$/i.exec(value?.trim() ?? "");
  if (match === null) return undefined;
  const start = wholeNumber(match[1]);
  const totalBytes = wholeNumber(match[2]);
  return {
    ...(start === undefined ? {} : { start }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
  };
}

function sizeOfBody(status: number, headers: ResponseHeaders): number | undefined {
  if (status === 206 || status === 416) {
    return parseContentRange(headers["content-range"])?.totalBytes;
  }
  if (status !== 200 || headers["content-encoding"] !== undefined) return undefined;
  return wholeNumber(headers["content-length"]);
}

function first(all: readonly ResponseHeaders[], name: string): string | undefined {
  return all.find((headers) => headers[name] !== undefined)?.[name];
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}
