/**
 * Renders the chat template that the model file carries, so that nothing a user writes can pass for
 * one of the model's control tokens.
 *
 * The template decides with the real content in its hands; only the control-token texts inside the
 * content (`<|im_end|>` and the like, or what may become one) are replaced by marks before, and come
 * back afterwards as separate "plain" segments, which the caller tokenises as ordinary text.
 */
import { Template } from "@huggingface/jinja";
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { Prompt } from "@localmodel/inference/generate.ts";

/** A part of a prompt. Control-token texts are control tokens in "template" parts only. */
export type Segment = { readonly kind: "template" | "plain"; readonly text: string };

type TemplateTokens = {
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
  /** Beginnings of control-token texts. */
  readonly #begun: ReadonlySet<string>;

  constructor(source: string, tokens: TemplateTokens) {
    this.#template = new Template(source);
    this.#tokens = tokens;
    const texts = tokens.controlTexts.toSorted((a, b) => b.length - a.length).map(escapePattern);
    this.#reserved = new RegExp([OPEN, CLOSE, ...texts].join("|"), "gu");
    this.#begun = beginnings(tokens.controlTexts);
  }

  /** Throws a Failure when the template refuses the messages (roles out of order, say). */
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
      const variable = reason.startsWith("Variable already declared");
      throw invalidRequest(
        variable ? "chat_template_kwargs" : PROMPT_FIELD,
        `The model's chat template cannot render these messages: ${reason.slice(0, 500)}`,
      );
    }
  }

  #mark<Value>(value: Value, literals: string[]): Value {
    if (typeof value === "string") return this.#markText(value, literals) as Value;
    if (Array.isArray(value)) return value.map((item) => this.#mark(item, literals)) as Value;
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map((entry) => this.#mark(entry, literals));
    return Object.fromEntries(entries) as Value;
  }

  #markText(text: string, literals: string[]): string {
    const mark = (literal: string) => `${OPEN}${literals.push(literal) - 1}${CLOSE}`;
    const end = text.trimEnd().length;
    const begun = this.#begunLength(text.slice(0, end));
    const marked = text.slice(0, end - begun).replace(this.#reserved, mark);
    return marked + (begun > 0 ? mark(text.slice(end - begun, end)) : "") + text.slice(end);
  }

  /** Templates may join two texts: of the end of `text`, how much the next could complete to a control token. */
  #begunLength(text: string): number {
    let length = Math.min(LONGEST_BEGINNING, text.length);
    while (length > 0 && !this.#begun.has(text.slice(-length))) length--;
    return length;
  }
}

const LONGEST_BEGINNING = 64;

function beginnings(controlTexts: readonly string[]): Set<string> {
  const begun = new Set<string>();
  for (const text of controlTexts) {
    // Those that begin like a word would tear up ordinary words.
    if (/^[\p{L}\p{N}\s]/u.test(text)) continue;
    for (let length = 1; length < Math.min(text.length, LONGEST_BEGINNING); length++) {
      begun.add(text.slice(0, length));
    }
  }
  return begun;
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
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/gu, "\\$&");
}
