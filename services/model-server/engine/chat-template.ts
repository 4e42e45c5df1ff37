/**
 * Renders the chat template that the model file carries, so that nothing a user writes can pass for
 * one of the model's control tokens.
 *
 * The template decides with the real content in its hands; only the control-token texts inside the
 * content (`<|im_end|>` and the like) are replaced by marks before, and come back afterwards as
 * separate "plain" segments, which the caller tokenises as ordinary text.
 */
import { Template } from "@huggingface/jinja";
import { invalidRequest } from "@localmodel/openai/errors.ts";
import type { Prompt } from "../engine.ts";

/** A part of a prompt. Control-token texts are control tokens in "template" parts only. */
export type Segment = { readonly kind: "template" | "plain"; readonly text: string };

export type TemplateTokens = {
  readonly bosText: string;
  readonly eosText: string;
  /** See Vocabulary.controlTexts. */
  readonly controlTexts: readonly string[];
};

type ChatPrompt = Omit<Extract<Prompt, { kind: "chat" }>, "kind">;

const OPEN = "\uE000";
const CLOSE = "\uE001";

/** For models without a template of their own: the format most of them have seen. */
export const CHATML = `{% for message in messages %}<|im_start|>{{ message['role'] }}
{{ message['content'] }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`;

export class ChatTemplate {
  readonly #template: Template;
  readonly #tokens: TemplateTokens;
  readonly #reserved: RegExp;

  constructor(source: string, tokens: TemplateTokens) {
    this.#template = new Template(source);
    this.#tokens = tokens;
    const texts = tokens.controlTexts.toSorted((a, b) => b.length - a.length).map(escapePattern);
    this.#reserved = new RegExp([OPEN, CLOSE, ...texts].join("|"), "gu");
  }

  /** Throws OpenAIError 400 when the template refuses the messages (roles out of order, say). */
  render({ messages, templateVariables = {} }: ChatPrompt): Segment[] {
    const literals: string[] = [];
    try {
      const text = this.#template.render({
        ...this.#mark(templateVariables, literals),
        messages: messages.map((message) => this.#mark(message, literals)),
        add_generation_prompt: true,
        bos_token: this.#tokens.bosText,
        eos_token: this.#tokens.eosText,
        tools: null,
      });
      return segments(text, literals);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw invalidRequest(
        "messages",
        `The model's chat template cannot render these messages: ${reason.slice(0, 500)}`,
      );
    }
  }

  #mark<Value>(value: Value, literals: string[]): Value {
    if (typeof value === "string") {
      return value.replace(this.#reserved, (literal) => {
        literals.push(literal);
        return `${OPEN}${literals.length - 1}${CLOSE}`;
      }) as Value;
    }
    if (Array.isArray(value)) return value.map((item) => this.#mark(item, literals)) as Value;
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, item]) => [key, this.#mark(item, literals)]);
    return Object.fromEntries(entries) as Value;
  }
}

function segments(text: string, literals: readonly string[]): Segment[] {
  const parts = text.split(new RegExp(`${OPEN}(\\d+)${CLOSE}`, "u"));
  return parts
    .map((part, index): Segment =>
      index % 2 === 0
        ? { kind: "template", text: part }
        : { kind: "plain", text: literals[Number(part)] ?? "" },
    )
    .filter(({ text: segment }) => segment !== "");
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/gu, "\\$&");
}
