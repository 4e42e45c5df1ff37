/**
 * What a sequence remembers, as bytes, and back. The bytes fit the same model with the same types of cache; llama.cpp
 * checks their form and little else, so whoever keeps them makes sure that they are what they were.
 */
import type { Context } from "./context.ts";
import { LlamaError } from "./native/errors.ts";

const FLAGS = { whole: 0, partial: 1 } as const;

/** `partial` leaves out what can be had from the tokens by cutting: for recurrent layers and windows. */
export type StatePart = keyof typeof FLAGS;

/** Copied on another thread: the state of a long conversation has hundreds of megabytes. */
export async function saveSequence(
  context: Context,
  sequence: number,
  part: StatePart = "whole",
): Promise<Uint8Array> {
  const { native } = context.model.llama;
  const id = context.sequences.check(sequence);
  const flags = FLAGS[part];
  const size = native.call.llama_state_seq_get_size_ext(context.pointer, id, flags);
  const bytes = new Uint8Array(size);
  const length = await context.alone((pointer) =>
    native.later("llama_state_seq_get_data_ext", pointer, bytes, size, id, flags),
  );
  if (length === 0) throw new LlamaError(`llama.cpp could not save sequence ${sequence}`);
  return bytes.subarray(0, length);
}

/** Replaces what the sequence remembers. @throws LlamaError when the bytes are none of such a context, or do not fit */
export async function restoreSequence(
  context: Context,
  sequence: number,
  bytes: Uint8Array,
  part: StatePart = "whole",
): Promise<void> {
  const { native } = context.model.llama;
  const id = context.sequences.check(sequence);
  const read = await context.alone((pointer) =>
    native.later("llama_state_seq_set_data_ext", pointer, bytes, bytes.length, id, FLAGS[part]),
  );
  if (read === 0) throw new LlamaError(`llama.cpp could not restore sequence ${sequence}`);
}
