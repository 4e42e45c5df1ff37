/**
 * The two answers of POST /v1/chat/completions: one object, or chunks of it.
 *
 * A stream is one role chunk, any number of chunks of content and calls and one finish chunk for each choice, in any
 * interleaving, then the usage chunk if it was asked for. All keys OpenAI requires are there, as null
 * where there is nothing to say.
 */
import type { Usage } from "@localmodel/inference/events.ts";
import type { FinishReason } from "@localmodel/inference/generate.ts";
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import { completionUsage } from "../answers/answer.ts";
import { chatLogprobs } from "../answers/logprobs.ts";
import type { TokenLogprob } from "@localmodel/inference/generate.ts";

export type ChatFinishReason = FinishReason | "function_call";

type ChatChoice = {
  /** Null beside calls. */
  readonly content: string | null;
  /** The fields of the message that say what is called. */
  readonly calls: object;
  /** Empty: there was none. */
  readonly reasoning?: string;
  readonly reason: ChatFinishReason;
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
    choices: choices.map(({ content, calls, reasoning = "", reason, logprobs }, index) => ({
      index,
      message: {
        role: "assistant" as const,
        content,
        refusal: null,
        ...calls,
        ...(reasoning !== "" && reasoningFields(reasoning)),
      },
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
    rest: { logprobs?: readonly TokenLogprob[] | undefined; reason?: ChatFinishReason } = {},
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
    role: (index: number, content: "" | null) =>
      chunk(index, { role: "assistant" as const, content, refusal: null }),
    content: (index: number, text: string, logprobs?: readonly TokenLogprob[]) =>
      chunk(index, { content: text }, { logprobs }),
    reasoning: (index: number, text: string) => chunk(index, reasoningFields(text)),
    delta: (index: number, delta: object) => chunk(index, delta),
    finish: (index: number, reason: ChatFinishReason) => chunk(index, {}, { reason }),
    usage: (counts: Usage) => ({ ...base, choices: [], usage: completionUsage(counts) }),
  };
}

/** OpenAI has no field for it; clients of other servers look for the one or the other. */
function reasoningFields(text: string) {
  return { reasoning_content: text, reasoning: text };
}
