/**
 * Decides what an answer to a download request means for the bytes already on disk.
 *
 *   206 that continues where the file ends, same validator   append
 *   200                                                      the whole file: start over with this body
 *   416 with a total of exactly what we have                 nothing is missing
 *   206 or 416 that does not fit                             what we have is of no use: ask for everything
 *   408, 425, 429, 5xx                                       try again later
 *   anything else                                            this source will not deliver
 */
import { type ContentCoding, isContentCoding, UNKNOWN_CODING } from "../http/content-coding.ts";
import { failureOfStatus, type HttpAnswer, type HttpFailure } from "../http/http-failure.ts";
import { parseContentRange, type Validator, validatorOf } from "../http/remote-file.ts";
import type { ResponseHeaders } from "../http/web-client.ts";

/** An interrupted download: how much there is, and what it is a part of. */
export type ResumePoint = { readonly offset: number; readonly validator?: Validator };

export type ResponsePlan =
  | { readonly kind: "append" }
  | { readonly kind: "replace"; readonly validator?: Validator; readonly coding?: ContentCoding }
  | { readonly kind: "nothingMissing" }
  | { readonly kind: "askForEverything" }
  | HttpFailure;

/** Headers that ask for the rest of a file; the server sends all of it if the validator has changed. */
export function rangeHeaders(resume: ResumePoint | undefined): Record<string, string> {
  if (resume === undefined) return {};
  const { offset, validator } = resume;
  const range = { range: `bytes=${offset}-` };
  if (validator === undefined) return range;
  return { ...range, "if-range": "etag" in validator ? validator.etag : validator.lastModified };
}

export function planResponse(answer: HttpAnswer, resume: ResumePoint | undefined): ResponsePlan {
  const { status, headers } = answer;
  if (status === 200) return planWholeFile(headers);
  if (resume !== undefined && status === 206) {
    return continues(headers, resume) ? { kind: "append" } : { kind: "askForEverything" };
  }
  if (resume !== undefined && status === 416) {
    const total = parseContentRange(headers["content-range"])?.totalBytes;
    return { kind: total === resume.offset ? "nothingMissing" : "askForEverything" };
  }
  return failureOfStatus(answer);
}

function planWholeFile(headers: ResponseHeaders): ResponsePlan {
  const coding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (coding === "identity" || coding === "") {
    const validator = validatorOf(headers);
    return { kind: "replace", ...(validator === undefined ? {} : { validator }) };
  }
  if (isContentCoding(coding)) return { kind: "replace", coding };
  return {
    kind: "never",
    reason: "SourceUnavailable",
    message: UNKNOWN_CODING,
  };
}

/** Servers that know Range but not If-Range must not make us glue two files together. */
function continues(headers: ResponseHeaders, { offset, validator }: ResumePoint): boolean {
  if (parseContentRange(headers["content-range"])?.start !== offset) return false;
  if ((headers["content-encoding"] ?? "identity") !== "identity") return false;
  if (validator === undefined) return true;
  if ("etag" in validator) return (headers["etag"] ?? validator.etag) === validator.etag;
  return (headers["last-modified"] ?? validator.lastModified) === validator.lastModified;
}
