/** The two answers of POST /v1/completions: one object, or chunks of it. */
import type { Usage } from "@localmodel/inference/events.ts";
import type { FinishReason } from "@localmodel/inference/generate.ts";
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import { completionUsage } from "../answers/answer.ts";
import { characterCount, legacyLogprobs } from "../answers/logprobs.ts";
import type { TokenLogprob } from "@localmodel/inference/generate.ts";

export type CompletionChoice = {
  /** With `echo`, the prompt and what follows it. */
  readonly text: string;
  readonly reason: FinishReason;
  /** Absent when they were not asked for. */
  readonly logprobs?: readonly TokenLogprob[];
};

export function textCompletion(
  head: AnswerHead,
  choices: readonly CompletionChoice[],
  counts: Usage,
) {
  return {
    ...baseOf(head),
    choices: choices.map(({ text, reason, logprobs }, index) => ({
      index,
      text,
      logprobs: logprobs === undefined ? null : legacyLogprobs(logprobs, 0),
      finish_reason: reason,
    })),
    usage: completionUsage(counts),
  };
}

export type CompletionChunks = ReturnType<typeof completionChunks>;

export function completionChunks(head: AnswerHead, includeUsage: boolean) {
  const base = baseOf(head);
  const pendingUsage = includeUsage ? { usage: null } : {};
  const offsets = new Map<number, number>();

  const located = (index: number, logprobs: readonly TokenLogprob[]) => {
    const offset = offsets.get(index) ?? 0;
    offsets.set(index, offset + logprobs.reduce((sum, one) => sum + characterCount(one.bytes), 0));
    return legacyLogprobs(logprobs, offset);
  };
  const chunk = (
    index: number,
    text: string,
    rest: { logprobs?: readonly TokenLogprob[] | undefined; reason?: FinishReason },
  ) => ({
    ...base,
    choices: [
      {
        index,
        text,
        logprobs: rest.logprobs === undefined ? null : located(index, rest.logprobs),
        finish_reason: rest.reason ?? null,
      },
    ],
    ...pendingUsage,
  });
  return {
    text: (index: number, text: string, logprobs?: readonly TokenLogprob[]) =>
      chunk(index, text, { logprobs }),
    finish: (index: number, reason: FinishReason) => chunk(index, "", { reason }),
    usage: (counts: Usage) => ({ ...base, choices: [], usage: completionUsage(counts) }),
  };
}

function baseOf(head: AnswerHead) {
  return {
    id: head.id,
    object: "text_completion" as const,
    created: head.created,
    model: head.model,
    system_fingerprint: head.fingerprint,
  };
}
