/**
 * The body of a request, unpacked, in memory: bounded in length, in the memory that all bodies share, and in the time
 * that may pass without a byte.
 *
 * Memory is taken as bytes come, never for what a client only announces: a request that sends nothing holds nothing.
 */
import type { Failure } from "@localmodel/inference/failure.ts";
import {
  bodyInCrumbs,
  bodyTimedOut,
  invalidRequest,
  requestTooLarge,
} from "@localmodel/inference/refusals.ts";
import { overloaded } from "@localmodel/inference/unavailability.ts";
import type { Request, RequestHandler, Response } from "express";
import type { BodyMemory } from "./body-memory.ts";
import { GrowingBuffer } from "./growing-buffer.ts";
import { pace } from "./pace.ts";
import { type Unpacked, unpacked } from "./unpacked.ts";

type BodyOptions = {
  /** Of one body, packed as well as unpacked. */
  readonly maxBytes: () => number;
  /** The longest pause between two of its pieces. */
  readonly idleTimeoutMs: number;
  readonly memory: BodyMemory;
  /** Whose share of the memory a request takes. */
  readonly ownerOf: (req: Request, res: Response) => string;
};

/** Leaves a Buffer in `req.body`. */
export function readBody(options: BodyOptions): RequestHandler {
  const { idleTimeoutMs, memory, ownerOf } = options;
  return async (req, res, next) => {
    const maxBytes = options.maxBytes();
    const announcedBytes = announcedBy(req);
    if (announcedBytes !== undefined && announcedBytes > maxBytes) throw requestTooLarge(maxBytes);
    const source = unpacked(req);
    const body = new GrowingBuffer({
      maxBytes,
      announcedBytes: source.encoding === undefined ? announcedBytes : undefined,
    });
    const share = memory.shareOf(res, ownerOf(req, res));
    const keep = (piece: Buffer): Failure | undefined => {
      if (body.length + piece.length > maxBytes) return requestTooLarge(maxBytes);
      if (!share.growTo(body.capacityWith(piece))) return overloaded();
      body.add(piece);
      return undefined;
    };
    const hangUp = (failure: Failure): Failure => {
      // What is still to come is not looked at any more, nor taken for the next request.
      res.set("connection", "close");
      return failure;
    };
    if (waitsForLeave(req)) res.writeContinue();
    await collect(req, source, { maxBytes, idleTimeoutMs, keep, hangUp });
    req.body = body.whole();
    next();
  };
}

/** Its client sends the body when it is told to, or after a second. Whoever is refused before is never told. */
function waitsForLeave({ headers, httpVersion }: Request): boolean {
  return headers.expect !== undefined && httpVersion === "1.1";
}

function announcedBy(req: Request): number | undefined {
  const { "content-length": length } = req.headers;
  return length === undefined ? undefined : Number(length);
}

type Collecting = Pick<BodyOptions, "idleTimeoutMs"> & {
  readonly maxBytes: number;
  /** Takes a piece, or says why not. */
  readonly keep: (piece: Buffer) => Failure | undefined;
  /** For a failure with which the connection ends. */
  readonly hangUp: (failure: Failure) => Failure;
};

/** Pieces that a body may come in beyond those that have a length: each costs more than its bytes. */
const SMALL_PIECES_MAX = 4096;
const PIECE_MIN_BYTES = 64;

/** Settles at the end of the body, or as soon as it cannot be taken. What still comes then is thrown away. */
async function collect(req: Request, source: Unpacked, limits: Collecting): Promise<void> {
  const { stream, encoding } = source;
  const { maxBytes, idleTimeoutMs, keep, hangUp } = limits;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let sentBytes = 0;
  let pieces = 0;
  // At once: what has been read already comes before anybody who waits hears of it.
  const refuse = (failure: Failure): void => {
    req.off("data", count);
    stream.off("data", take);
    reject(failure);
  };
  const idle = setTimeout(() => refuse(hangUp(bodyTimedOut(idleTimeoutMs))), idleTimeoutMs);
  const count = (piece: Buffer): void => {
    idle.refresh();
    sentBytes += piece.length;
    pieces += 1;
    if (sentBytes > maxBytes) refuse(requestTooLarge(maxBytes));
    else if (pieces > SMALL_PIECES_MAX + sentBytes / PIECE_MIN_BYTES)
      refuse(hangUp(bodyInCrumbs()));
  };
  const take = (piece: Buffer): void => {
    const refusal = keep(piece);
    if (refusal !== undefined) refuse(refusal);
  };
  const cut = (): void =>
    reject(invalidRequest(null, "The body of the request ended before its Content-Length."));
  const unreadable = ({ message }: Error): void =>
    reject(invalidRequest(null, `The body of the request is not valid ${encoding}: ${message}.`));
  pace(req);
  req.on("data", count).on("aborted", cut).on("error", cut);
  stream.on("data", take).on("end", resolve);
  if (stream !== req) stream.on("error", unreadable);
  try {
    await promise;
  } finally {
    clearTimeout(idle);
    req.off("data", count).off("data", take).off("aborted", cut);
    if (stream !== req) {
      req.unpipe().resume();
      stream.destroy();
    }
  }
}
