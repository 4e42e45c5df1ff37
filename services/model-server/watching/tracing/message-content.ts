/**
 * What was asked and answered, in the form of the conventions for generative AI. Only for who has asked for it twice:
 * see gen-ai.ts.
 */
import type { Attributes } from "@localmodel/telemetry/spans/span.ts";
import type { GenerateRequest, Prompt } from "@localmodel/inference/generate.ts";
import { textOf } from "@localmodel/inference/picture.ts";
import type { AnyEvent } from "@localmodel/inference/operation.ts";

/** Of all messages together: a collector takes a few megabytes at a time. */
const MAX_CHARACTERS = 65_536;

type Choice = { text: string; reasoning: string; reason?: string };

export class MessageContent {
  readonly #request: GenerateRequest;
  readonly #choices: Choice[] = [];

  constructor(request: GenerateRequest) {
    this.#request = request;
  }

  event(event: AnyEvent): void {
    if (event.type === "delta") {
      const choice = this.#choice(event.choice);
      if (event.isReasoning === true) choice.reasoning += event.text;
      else choice.text += event.text;
    }
    if (event.type === "finish") this.#choice(event.choice).reason = event.reason;
  }

  attributes(): Attributes {
    const input = shortened(this.#request.prompts.flatMap(messagesOf));
    const output = shortened(
      this.#choices.map(({ text, reasoning, reason = "" }) => ({
        role: "assistant",
        text,
        ...(reasoning !== "" && { reasoning: reasoning.slice(0, MAX_CHARACTERS) }),
        finish_reason: reason,
      })),
    );
    return {
      "gen_ai.input.messages": JSON.stringify(input),
      "gen_ai.output.messages": JSON.stringify(output),
    };
  }

  #choice(index: number): Choice {
    return (this.#choices[index] ??= { text: "", reasoning: "" });
  }
}

type Message = { readonly role: string; readonly text: string };

function messagesOf(prompt: Prompt): Message[] {
  if (prompt.kind === "chat") {
    return prompt.messages.map(({ role, content }) => ({ role, text: textOf(content) }));
  }
  const text = prompt.kind === "text" ? prompt.text : prompt.tokens.join(" ");
  return [{ role: "user", text }];
}

/** The first messages as far as there is room. */
function shortened(messages: readonly Message[]): object[] {
  const shown: object[] = [];
  let room = MAX_CHARACTERS;
  for (const { text, ...rest } of messages) {
    if (room <= 0) break;
    shown.push({ ...rest, parts: [{ type: "text", content: text.slice(0, room) }] });
    // Also a message without text takes its place.
    room -= text.length + 64;
  }
  return shown;
}
