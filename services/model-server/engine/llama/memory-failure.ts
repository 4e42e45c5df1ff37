/** Tells failures for want of memory from other failures of the library. */
import { InsufficientMemoryError } from "node-llama-cpp";
import { DoesNotFitError } from "../load-error.ts";

export async function orDoesNotFit<Result>(
  what: string,
  create: () => Promise<Result>,
): Promise<Result> {
  try {
    return await create();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof InsufficientMemoryError || /memory|VRAM|allocat/iu.test(message)) {
      throw new DoesNotFitError(`This machine has not enough memory for ${what}: ${message}`);
    }
    // The library says no more than "Failed to load model".
    throw new Error(
      `llama.cpp could not make ${what}: ${message}. The file may be incomplete, or of an architecture ` +
        `that this version does not know`,
      { cause: error },
    );
  }
}
