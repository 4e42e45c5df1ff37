/** Asks one question of one server. */
import OpenAI from "openai";
import type { Answered } from "./kept-answers.ts";
import type { Asked } from "./questions.ts";

type Server = { readonly url: string; readonly tokensMax: number };

export async function answerTo(
  { messages, tools }: Asked,
  { url, tokensMax }: Server,
): Promise<Answered> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 });
  try {
    const completion = await client.chat.completions.create({
      model: "test-model",
      messages: [...messages],
      tools: [...tools],
      temperature: 0,
      max_tokens: tokensMax,
    });
    return answerOf(completion);
  } catch (error) {
    if (!(error instanceof OpenAI.APIError) || error.status === undefined) throw error;
    const { message } = error;
    return { calls: [], text: message, finish: "refused", promptTokens: 0, answerTokens: 0 };
  }
}

function answerOf({ choices: [choice], usage }: OpenAI.ChatCompletion): Answered {
  if (choice === undefined) throw new Error("The answer has no choice");
  const { message, finish_reason: finish } = choice;
  return {
    calls: (message.tool_calls ?? []).flatMap((call) =>
      call.type === "function" ? [call.function] : [],
    ),
    text: message.content ?? "",
    finish,
    promptTokens: usage?.prompt_tokens ?? 0,
    answerTokens: usage?.completion_tokens ?? 0,
  };
}
