/** What the binding refuses or llama.cpp could not do, as types that callers tell apart. */

/** Something was used after it was freed, or freed while it is in use: a bug of the caller's. */
export class OwnershipError extends Error {
  override readonly name = "OwnershipError";
}

/** llama.cpp answered with a failure. What it logged says why. */
export class LlamaError extends Error {
  override readonly name = "LlamaError";
}
