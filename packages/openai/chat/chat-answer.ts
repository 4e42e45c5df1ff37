/**
 * The two answers of POST /v1/chat/completions: one object, or chunks of it.
 *
 * A stream is one role chunk, any number of content chunks and one finish chunk for each choice, in any
 * interleaving, then the usage chunk if it was asked for. All keys OpenAI requires are there, as null
 * where there is nothing to say.
 */
import type { Usage } from "@localmodel/inference/events.ts";
import type { FinishReason } from "@localmodel/inference/generate.ts";
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import { completionUsage } from "../answers/answer.ts";
import { chatLogprobs } from "../answers/logprobs.ts";
import type { TokenLogprob } from "@localmodel/inference/generate.ts";

type ChatChoice = {
  readonly text: string;
  readonly reason: FinishReason;
  /** Absent when they were not asked for. */
  readonly logprobs?: readonly TokenLogprob[];
};

export function chatCompletion(head: AnswerHead, choices: readonly ChatChoice[], counts: Usage) {
  return {
    id: head.id,
    object: "chat.completion" as const,
    created: head.created,
    model: head.model,
    system_fingerprint: head.fingerprint,
    choices: choices.map(({ text, reason, logprobs }, index) => ({
      index,
      message: { role: "assistant" as const, content: text, refusal: null },
      logprobs: logprobs === undefined ? null : chatLogprobs(logprobs),
      finish_reason: reason,
    })),
    usage: completionUsage(counts),
  };
}

export type ChatChunks = ReturnType<typeof chatChunks>;

export function chatChunks(head: AnswerHead, includeUsage: boolean) {
  const base = {
    id: head.id,
    object: "chat.completion.chunk" as const,
    created: head.created,
    model: head.model,
    system_fingerprint: head.fingerprint,
  };
  const pendingUsage = includeUsage ? { usage: null } : {};
  const chunk = <Delta extends object>(
    index: number,
    delta: Delta,
    rest: { logprobs?: readonly TokenLogprob[] | undefined; reason?: FinishReason } = {},
  ) => ({
    ...base,
    choices: [
      {
        index,
        delta,
        logprobs: rest.logprobs === undefined ? null : chatLogprobs(rest.logprobs),
        finish_reason: rest.reason ?? null,
      },
    ],
    ...pendingUsage,
  });
  return {
    role: (index: number) =>
      chunk(index, { role: "assistant" as const, content: "", refusal: null }),
    content: (index: number, text: string, logprobs?: readonly TokenLogprob[]) =>
      chunk(index, { content: text }, { logprobs }),
    finish: (index: number, reason: FinishReason) => chunk(index, {}, { reason }),
    usage: (counts: Usage) => ({ ...base, choices: [], usage: completionUsage(counts) }),
  };
}
