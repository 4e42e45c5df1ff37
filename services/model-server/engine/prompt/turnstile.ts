/**
 * Work of many requests on the thread that also drives the decode loop: one piece in each turn of the event loop,
 * whoever it is for.
 *
 * Tokenising blocks. Two thousand prompts that arrive together would each block for only one slice, and all of them in
 * the same turn; here they stand in line, and between two of them every stream gets its next token.
 */
import { setImmediate as nextTurn } from "node:timers/promises";

/** Pieces as short as this share a turn. */
const TURN_MS = 2;

let lastTurn: Promise<unknown> = Promise.resolve();

/** In order of arrival; at once where nobody has had this turn of the loop. */
function takeTurn(): Promise<unknown> {
  const turn = lastTurn;
  lastTurn = turn.then(() => nextTurn());
  return turn;
}

/** One request's share of the thread. `pause` before every piece of work; a piece itself cannot be interrupted. */
export class Share {
  #beganMs = Number.NEGATIVE_INFINITY;

  /** Throws the signal's reason once it is aborted. */
  async pause(signal?: AbortSignal): Promise<void> {
    if (performance.now() - this.#beganMs >= TURN_MS) {
      await takeTurn();
      this.#beganMs = performance.now();
    }
    signal?.throwIfAborted();
  }
}
