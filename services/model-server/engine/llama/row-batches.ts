/**
 * Rows of pictures, evaluated before the tokens of the same step: llama.cpp takes either in a batch, and what it computed
 * for the tokens can be read until the next one.
 */
import type { Batch, Place } from "@localmodel/llama/batch.ts";
import type { Context, Evaluated } from "@localmodel/llama/context.ts";
import type { Run } from "../stepping/step-context.ts";
import type { RowRun } from "../stepping/row-runs.ts";

export class RowBatches {
  readonly #context: Context;
  #batch: Batch | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  /** All that may be together in one batch, and each picture that attends to itself in one of its own. */
  async evaluate(runs: readonly Run[], abandoned: AbortSignal | undefined): Promise<Evaluated> {
    const ordinary = runs.filter(({ rows }) => rows?.chunk.whole === false);
    const whole = runs.filter(({ rows }) => rows?.chunk.whole === true);
    if (ordinary.length > 0) {
      const evaluated = await this.#decode(ordinary, abandoned);
      if (evaluated !== "done") return evaluated;
    }
    for (const run of whole) {
      this.#context.setCausalAttention(false);
      try {
        const evaluated = await this.#decode([run], abandoned);
        if (evaluated !== "done") return evaluated;
      } finally {
        this.#context.setCausalAttention(true);
      }
    }
    return "done";
  }

  #decode(runs: readonly Run[], abandoned: AbortSignal | undefined): Promise<Evaluated> {
    // As long as nobody shows a picture it needs no memory.
    const batch = (this.#batch ??= this.#context.createBatch({
      tokens: this.#context.limits.batchTokens,
      vectors: true,
      planar: this.#context.model.kind.rope?.endsWith("mrope") === true,
    }));
    batch.clear();
    for (const { sequence, position, rows, tokens } of runs) {
      if (rows === undefined) continue;
      for (let row = rows.first; row < rows.first + tokens.length; row += 1) {
        batch.addVector(vectorOf(rows, row), placeOf(rows, row, position), sequence, false);
      }
    }
    return this.#context.decode(batch, abandoned);
  }
}

function vectorOf({ chunk, encoded }: RowRun, row: number): Float32Array {
  const dimensions = encoded.vectors.length / chunk.rows;
  return encoded.vectors.subarray(row * dimensions, (row + 1) * dimensions);
}

function placeOf({ encoded }: RowRun, row: number, position: number): Place {
  const { places } = encoded;
  if (places.length === 0) return position + row;
  const [time = 0, height = 0, width = 0] = places.subarray(3 * row, 3 * row + 3);
  return [position + time, position + height, position + width];
}
