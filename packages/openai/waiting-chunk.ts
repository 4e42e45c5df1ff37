/**
 * What a stream of chat waits for, as a chunk of reasoning: the way in which gateways that swap models tell it, and so the
 * one that chat clients show. It belongs to no choice's answer, and the answer's own first chunk follows it.
 */
import type { Frame } from "@localmodel/inference/dialect.ts";

export function waitingChunk(model: string, text: string): Frame {
  const reasoning = `${text}\n`;
  return {
    data: {
      id: "chatcmpl-waiting",
      object: "chat.completion.chunk",
      created: Math.floor(Date.now() / 1000),
      model,
      choices: [
        {
          index: 0,
          delta: { role: "assistant", reasoning_content: reasoning },
          logprobs: null,
          finish_reason: null,
        },
      ],
    },
  };
}
