/** What a client is told about a chat answer, whichever way it comes. */
import assert from "node:assert/strict";
import type OpenAI from "openai";

type Request = OpenAI.ChatCompletionCreateParamsNonStreaming;

export type Answer = {
  readonly id: string;
  readonly text: string;
  readonly finish: string;
  readonly usage: OpenAI.CompletionUsage;
};

export async function wholeAnswer(client: OpenAI, request: Request): Promise<Answer> {
  const { id, choices, usage } = await client.chat.completions.create(request);
  const [choice] = choices;
  assert.ok(usage !== undefined && choice !== undefined);
  return { id, text: choice.message.content ?? "", finish: choice.finish_reason, usage };
}

export async function streamedAnswer(client: OpenAI, request: Request): Promise<Answer> {
  const options = { stream: true, stream_options: { include_usage: true } } as const;
  let [id, text, finish] = ["", "", ""];
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of await client.chat.completions.create({ ...request, ...options })) {
    const [choice] = chunk.choices;
    id = chunk.id;
    text += choice?.delta.content ?? "";
    finish = choice?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  assert.ok(usage !== undefined && usage !== null);
  return { id, text, finish, usage };
}
