/**
 * Where answers are kept, as the rest of the service knows it: in memory (conversations.ts) or in Valkey
 * (valkey-answers.ts). fixtures/answer-store-contract.ts has what both promise.
 */
import type { Failure } from "@localmodel/inference/failure.ts";
import { previousResponseNotFound, requestTooLarge } from "@localmodel/inference/refusals.ts";
import type { KeptResponse } from "./kept-responses.ts";

/** All but `keep` throw a Failure where the store cannot be reached. */
export type AnswerStore = {
  /** The most bytes that one may have. */
  readonly oneMaxBytes: number;
  /** Why nothing can be kept or found at the moment; undefined where nothing is known against it. */
  readonly outage: Failure | undefined;
  /**
   * It is there for whoever asks next as soon as this has returned or, where it takes a while, the promise is resolved.
   * One that cannot be kept is told elsewhere: its client has had the answer.
   */
  keep(tenant: string, kept: KeptResponse): Promise<void> | undefined;
  find(tenant: string, id: string): Promise<KeptResponse | undefined>;
  /**
   * All turns up to this one, oldest first. Throws a 404 when one of them is not there any more, and a 413 when what was
   * asked and answered in them is more than `maxBytes`.
   */
  turnsUpTo(tenant: string, id: string, maxBytes: number): Promise<readonly KeptResponse[]>;
  /** This turn alone, without the answer's own form. It is young again, and those before it are not. */
  turn(tenant: string, id: string): Promise<KeptResponse | undefined>;
  /** Whether there was one. */
  delete(tenant: string, id: string): Promise<boolean>;
};

/** `runOf`: a turn and some of those before it, newest first; none where it is not kept. */
export async function turnsByRuns(
  id: string,
  maxBytes: number,
  runOf: (id: string) => Promise<readonly KeptResponse[]>,
): Promise<readonly KeptResponse[]> {
  const turns = new Map<string, KeptResponse>();
  let bytes = 0;
  for (let next: string | undefined = id; next !== undefined;) {
    const run = await runOf(next);
    // A model server says what an answer is called: two of one name could go on with each other.
    if (run.length === 0 || run.some((turn) => turns.has(turn.id))) {
      throw previousResponseNotFound(next);
    }
    for (const turn of run) {
      turns.set(turn.id, turn);
      bytes += turn.input.length + turn.output.length;
    }
    if (bytes > maxBytes) throw requestTooLarge(maxBytes);
    next = run.at(-1)?.previous;
  }
  return [...turns.values()].toReversed();
}
