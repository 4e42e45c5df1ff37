/**
 * Undoes the compression of a body. Requests ask for none, but some servers insist.
 */
import type { Readable, Transform } from "node:stream";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";
import { WeightsError } from "../source/weights-error.ts";
import type { WebResponse } from "./web-client.ts";

export const UNKNOWN_CODING =
  "the server sends the file in a Content-Encoding that is unknown here, although it was asked for none";

export type ContentCoding = "gzip" | "deflate" | "br" | "zstd";

export function isContentCoding(coding: string): coding is ContentCoding {
  return ["gzip", "deflate", "br", "zstd"].includes(coding);
}

export function decoder(coding: ContentCoding): Transform {
  switch (coding) {
    case "gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    case "zstd":
      return createZstdDecompress();
  }
}

/** The body as the file's own bytes. Discarding the answer's body ends this one, too. */
export function decoded({ body, headers }: WebResponse): Readable {
  const coding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (coding === "identity" || coding === "") return body;
  if (!isContentCoding(coding)) {
    throw new WeightsError("SourceUnavailable", UNKNOWN_CODING);
  }
  const plain = decoder(coding);
  body.on("error", (error) => plain.destroy(error));
  body.on("close", () => plain.destroy());
  return body.pipe(plain);
}
