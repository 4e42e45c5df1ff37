/** Tells failures for want of memory from other failures of the library. */
import { InsufficientMemoryError } from "node-llama-cpp";
import { DoesNotFitError } from "../model/load-error.ts";

/** `hint` says what else than memory may be wrong: the library only says that it failed. */
export async function orDoesNotFit<Result>(
  what: string,
  create: () => Promise<Result>,
  hint = "",
): Promise<Result> {
  try {
    return await create();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof InsufficientMemoryError || /memory|VRAM|allocat/iu.test(message)) {
      throw new DoesNotFitError(`This machine has not enough memory for ${what}: ${message}`);
    }
    throw new Error(`llama.cpp could not load ${what}: ${message}${hint}`, { cause: error });
  }
}
