/**
 * What a prompt's pictures and sounds are to the model, as far as no cache holds them.
 *
 * A conversation shows its pictures again with every turn, so they are looked at only behind the beginning that can be
 * had: before the prompt has a slot, since none is to stand still meanwhile. What was found is held until a choice has
 * evaluated it. Where the slot turns out to hold less than was expected, the prompt looks again.
 */
import type { HeldRows, Shown } from "../prompt/picture-prompt.ts";
import type { EncodedRows, PlacedRows } from "../prompt/picture-rows.ts";

/** A choice's own hold, which others' ends leave alone. */
export type Sighted = Disposable & { readonly rowsOf: (chunk: PlacedRows) => EncodedRows };

type Held = {
  readonly rows: HeldRows;
  /** Which of the prompt's media it holds, in its order. */
  readonly media: readonly number[];
  users: number;
};

export class Sight implements Disposable {
  readonly #shown: Shown;
  #held: Held | undefined;

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  /** Whether something behind the first `cached` tokens was not looked at. */
  lacks(cached: number): boolean {
    return this.#behind(cached).some((medium) => this.#held?.media.includes(medium) !== true);
  }

  /** At all that is behind the first `cached` tokens. @throws the signal's reason, and Failure for what cannot be read */
  async look(cached: number, signal: AbortSignal): Promise<void> {
    // Whoever waits for room while it holds some could wait for itself.
    this[Symbol.dispose]();
    const media = this.#behind(cached);
    if (media.length === 0) return;
    const { reader, media: all, rows } = this.#shown;
    const wanted = media.flatMap((index) => {
      const medium = all[index];
      const own = rows.filter((chunk) => chunk.medium === index);
      return medium === undefined ? [] : { medium, rows: rowsIn(own) };
    });
    this.#held = { rows: await reader.look(wanted, signal), media, users: 0 };
    if (signal.aborted) this[Symbol.dispose]();
    signal.throwIfAborted();
  }

  /** For a choice that begins now, until it has evaluated its prompt or is over. */
  use(): Sighted {
    const held = this.#held;
    if (held !== undefined) held.users += 1;
    let isOver = held === undefined;
    return {
      rowsOf: (chunk) => rowsOf(chunk, held),
      [Symbol.dispose]: () => {
        if (isOver || held === undefined) return;
        isOver = true;
        held.users -= 1;
        if (held.users > 0) return;
        held.rows[Symbol.dispose]();
        if (this.#held === held) this.#held = undefined;
      },
    };
  }

  /** What no choice uses. */
  [Symbol.dispose](): void {
    if (this.#held?.users === 0) this.#held.rows[Symbol.dispose]();
    this.#held = undefined;
  }

  #behind(cached: number): readonly number[] {
    const { rows } = this.#shown;
    return [...new Set(rows.filter(({ at }) => at >= cached).map(({ medium }) => medium))];
  }
}

function rowsOf({ medium, chunk }: PlacedRows, held: Held | undefined): EncodedRows {
  const encoded = held?.rows.rows[held.media.indexOf(medium)]?.[chunk];
  if (encoded === undefined) throw new Error(`Chunk ${chunk} of medium ${medium} is not held`);
  return encoded;
}

function rowsIn(chunks: readonly PlacedRows[]): number {
  return chunks.reduce((sum, { rows }) => sum + rows, 0);
}
