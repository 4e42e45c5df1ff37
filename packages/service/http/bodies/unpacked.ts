/** The body of a request as it was before its client compressed it, as a stream: nothing is unpacked that nobody takes. */
import { unsupportedEncoding } from "@localmodel/inference/refusals.ts";
import type { Request } from "express";
import type { Readable, Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

export type Unpacked = {
  readonly stream: Readable;
  /** Undefined for a body that is sent as it is. */
  readonly encoding: string | undefined;
};

/** Throws a 415 for an encoding that is not known, and for several. */
export function unpacked(req: Request): Unpacked {
  const encoding = req.headers["content-encoding"]?.trim().toLowerCase();
  if (encoding === undefined || encoding === "" || encoding === "identity")
    return { stream: req, encoding: undefined };
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder === undefined) throw unsupportedEncoding(encoding);
  return { stream: req.pipe(decoder()), encoding };
}
