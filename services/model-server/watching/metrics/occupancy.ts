/**
 * What the engine is occupied with: choices that hold a slot, those that wait for one, and the tokens of the context
 * that the former take.
 *
 * A slot that nobody holds keeps its tokens for reuse. They are not counted: they give way to whoever comes.
 */

export class Occupancy {
  waiting = 0;
  running = 0;
  /** Of the contexts of all slots. */
  tokens = 0;
}
