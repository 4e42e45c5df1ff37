/**
 * A message of the model's at the end of a conversation: its answer has begun with that, and goes on there. Ollama's templates
 * leave it open, and so does llama.cpp's server, which it runs.
 */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { TemplateMessage } from "@localmodel/inference/generate.ts";

/** One that calls tools, or that nobody has asked for, has been said in full. */
export function goingOn(ask: GenerateAsk): GenerateAsk {
  const [prompt] = ask.prompts;
  if (prompt?.kind !== "chat") return ask;
  const text = begunIn(prompt.messages);
  if (text === undefined) return ask;
  const messages = prompt.messages.slice(0, -1);
  const begun = text === "" ? {} : { begun: { text } };
  return { ...ask, prompts: [{ ...prompt, messages, ...begun }] };
}

function begunIn(messages: readonly TemplateMessage[]): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== "assistant" || messages.length === 1) return undefined;
  const { content, tool_calls: calls } = last;
  return calls === undefined && typeof content === "string" ? content : undefined;
}
