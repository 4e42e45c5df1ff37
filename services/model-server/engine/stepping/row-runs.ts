/**
 * Where a step may be cut. Tokens and rows of pictures are evaluated in batches of their own, so what a slot evaluates in
 * a step is either, and rows that attend to each other are not parted. Pure.
 */
import type { EncodedRows, PlacedRows } from "../prompt/picture-rows.ts";

/** Rows of a chunk, from one on. */
type RowCut = { readonly chunk: PlacedRows; readonly first: number };

/** With what all of the chunk's are to the model. */
export type RowRun = RowCut & { readonly encoded: EncodedRows };

type Cut = {
  /** Behind the last that is evaluated, among the sequence's tokens. */
  readonly to: number;
  /** Of the first: positions count less than tokens where pictures take fewer positions than rows. */
  readonly position: number;
  /** Undefined: tokens. */
  readonly rows?: RowCut;
};

/** Of what would be evaluated `from` here `to` there. `placed`: the chunks of the prompt, in order. */
export function cutRun(placed: readonly PlacedRows[], from: number, to: number): Cut {
  let lag = 0;
  for (const chunk of placed) {
    const end = chunk.at + chunk.rows;
    if (from < chunk.at) return { to: Math.min(to, chunk.at), position: from - lag };
    if (from < end) {
      const rows = { chunk, first: from - chunk.at };
      return { to: chunk.whole ? end : Math.min(to, end), position: chunk.at - lag, rows };
    }
    lag += chunk.rows - chunk.positions;
  }
  return { to, position: from - lag };
}
