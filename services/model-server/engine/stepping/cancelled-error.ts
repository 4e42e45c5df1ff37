/** Nobody waits for the answer any more: not a failure, and told to no one. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}
