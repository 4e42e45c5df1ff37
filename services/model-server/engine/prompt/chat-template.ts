/**
 * Renders the chat template that the model file carries, so that nothing a user writes can pass for
 * one of the model's control tokens.
 *
 * The template decides with the real content in its hands; only the control-token texts inside the
 * content (`<|im_end|>` and the like, or what may become one) are replaced by marks before, and come
 * back afterwards as separate "plain" segments, which the caller tokenises as ordinary text.
 */
import { Failure, PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { parseTemplate, renderTemplate, type Template } from "@localmodel/jinja/template.ts";
import { invalidRequest, modelNotCapable } from "@localmodel/inference/refusals.ts";
import type { Prompt, TemplateMessage } from "@localmodel/inference/generate.ts";
import type { ContentPart } from "@localmodel/inference/picture.ts";
import type { TemplateFacts } from "@localmodel/localmodel/contracts/template-facts.ts";
import type { WrittenProbes } from "@localmodel/tools/derive/probe-calls.ts";
import { arrangements, withoutSystem } from "./arranged-messages.ts";
import {
  CLOSE,
  literalMark,
  Literals,
  OPEN,
  pictureMark,
  soundMark,
  type RenderLimit,
  type Segment,
  segments,
} from "./marks.ts";
import { plainTools } from "./plain-tools.ts";
import { templateFacts } from "./template-facts.ts";
import { showingResults } from "./tool-media.ts";
import { writtenProbes } from "./written-probes.ts";

export type TemplateTokens = {
  readonly bosText: string;
  readonly eosText: string;
  /** See Vocabulary.endTexts. Absent: `eosText`. */
  readonly endTexts?: readonly string[];
  /** See Vocabulary.controlTexts. */
  readonly controlTexts: readonly string[];
  /** See Vocabulary.markerTexts. */
  readonly markerTexts?: readonly string[];
};

/** What a template sees of a conversation: of pictures and sounds no more than where they are. */
export type ChatPrompt = Omit<Extract<Prompt, { kind: "chat" }>, "kind" | "pictures" | "sounds">;

const TOO_LONG = "context_length_exceeded";

/** The variable by which a request has its messages taken as they are, or refused. */
const MERGES = "merge_messages";

/** What templates that cannot do without tools look at. */
const NO_TOOLS = { functions: "[]", datetime: "", builtin_tools: [], documents: [] };

/** For models without a template of their own: the format most of them have seen. */
export const CHATML = `{% for message in messages %}<|im_start|>{{ message['role'] }}
{{ message['content'] }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`;

export class ChatTemplate {
  readonly #source: string;
  readonly #template: Template;
  readonly #tokens: TemplateTokens;
  /** What is marked in the text of anybody, and what in the model's own. */
  readonly #reserved: { readonly others: RegExp; readonly own: RegExp };
  /** Beginnings of control-token texts. */
  readonly #begun: ReadonlySet<string>;
  #facts: TemplateFacts | undefined;

  constructor(source: string, tokens: TemplateTokens) {
    const { controlTexts, markerTexts = [] } = tokens;
    this.#source = source;
    this.#template = parseTemplate(source);
    this.#tokens = tokens;
    // Tags that the template never writes separate nothing: they are words like others.
    const markers = markerTexts.filter((text) => source.includes(text));
    this.#reserved = {
      others: anyOf([OPEN, CLOSE, ...controlTexts, ...markers]),
      own: anyOf([OPEN, CLOSE, ...controlTexts]),
    };
    this.#begun = beginnings([...controlTexts, ...markers]);
  }

  /**
   * What the template takes; found when first asked for, since finding it runs the template. Throws what the template
   * raises where it can render nothing.
   */
  get facts(): TemplateFacts {
    return (this.#facts ??= templateFacts((variables) => this.#run(variables), {
      source: this.#source,
      controlTexts: this.#tokens.controlTexts,
    }));
  }

  /** How it writes calls, shown by some; undefined where it writes none. Throws as `facts` does. */
  get writtenProbes(): WrittenProbes | undefined {
    const { eosText, endTexts = [eosText] } = this.#tokens;
    return writtenProbes((variables) => this.#run(variables), { facts: this.facts, endTexts });
  }

  /**
   * Throws a Failure when the template refuses the messages in every order that says the same (arranged-messages.ts,
   * tool-media.ts), and with plainer tools (plain-tools.ts), or for what cannot fit.
   */
  render(
    prompt: ChatPrompt,
    limit: RenderLimit = { contextTokens: Number.POSITIVE_INFINITY },
  ): Segment[] {
    if (prompt.templateVariables?.[MERGES] === false) return this.#render(prompt, limit);
    return showingResults(prompt, (shown) => this.#renderInSomeOrder(shown, limit));
  }

  #renderInSomeOrder(prompt: ChatPrompt, limit: RenderLimit): Segment[] {
    const messages = this.#sayingAll(prompt.messages);
    try {
      return this.#render({ ...prompt, messages }, limit);
    } catch (refusal) {
      if (refusal instanceof Failure && refusal.code === TOO_LONG) throw refusal;
      for (const other of otherWays({ ...prompt, messages })) {
        try {
          return this.#render(other, limit);
        } catch {
          // What it said of the messages as they came is what their author can do something about.
        }
      }
      throw refusal;
    }
  }

  /** Some templates leave out what a system message says, without a word. */
  #sayingAll(messages: readonly TemplateMessage[]): readonly TemplateMessage[] {
    if (!messages.some(({ role }) => role === "system")) return messages;
    try {
      return this.facts.takesSystem ? messages : withoutSystem(messages);
    } catch {
      return messages;
    }
  }

  #render(
    { messages, tools, templateVariables = {}, begun, opensAnswer = true }: ChatPrompt,
    limit: RenderLimit,
  ): Segment[] {
    const literals = new Literals(limit);
    const { others, own } = this.#reserved;
    try {
      const text = this.#run({
        ...this.#mark(templateVariables, others, literals),
        messages: messages.map((message) =>
          // What the model wrote itself was tokens, and templates look for `</think>` there.
          this.#showing(
            this.#mark(
              this.#fitting(message),
              message.role === "assistant" ? own : others,
              literals,
            ),
          ),
        ),
        add_generation_prompt: opensAnswer,
        ...(tools !== undefined && { tools: this.#mark(tools, others, literals) }),
      });
      const { lead = "", text: said = "" } = begun ?? {};
      return segments(text + lead + this.#mark(said, own, literals), literals, limit);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw cannotRender(error instanceof Error ? error.message : String(error));
    }
  }

  /** Some templates look at calls only where nothing is said, or for reasoning under another name. */
  #fitting(given: TemplateMessage): object {
    const message = this.#withReasoning(given);
    const onlyCalls = (message.tool_calls?.length ?? 0) > 0 && message.content === "";
    return onlyCalls && this.#wantsNoContent() ? { ...message, content: null } : message;
  }

  /** Marks where its pictures and sounds are: in its text, or where the template wants parts in texts of their own. */
  #showing<Message extends object>(message: Message): Message {
    const { content } = message as Partial<TemplateMessage>;
    if (!Array.isArray(content)) return message;
    const texts = (content as readonly ContentPart[]).map((part) => {
      if (part.type === "text") return part.text;
      return part.type === "image" ? pictureMark(part.picture) : soundMark(part.sound);
    });
    if (this.#factsIfAny?.takesText !== false) return { ...message, content: texts.join("") };
    return { ...message, content: texts.map((text) => ({ type: "text", text })) };
  }

  #withReasoning(message: TemplateMessage): TemplateMessage {
    const { reasoning_content: reasoning, ...rest } = message;
    if (reasoning === undefined) return message;
    return { ...rest, [this.#factsIfAny?.reasoning?.field ?? "reasoning_content"]: reasoning };
  }

  #wantsNoContent(): boolean {
    return this.#factsIfAny?.callContent === "null";
  }

  get #factsIfAny(): TemplateFacts | undefined {
    try {
      return this.facts;
    } catch {
      return undefined;
    }
  }

  #run(variables: Readonly<Record<string, unknown>>): string {
    const { bosText, eosText } = this.#tokens;
    const all = { tools: null, ...variables, bos_token: bosText, eos_token: eosText };
    try {
      return renderTemplate(this.#template, all);
    } catch (error) {
      if (all.tools !== null) throw error;
      // Some templates were written for conversations with tools alone.
      return this.#runWithoutTools(all, error);
    }
  }

  #runWithoutTools(variables: Readonly<Record<string, unknown>>, refusal: unknown): string {
    try {
      return renderTemplate(this.#template, { ...NO_TOOLS, ...variables, tools: [] });
    } catch {
      throw refusal;
    }
  }

  #mark<Value>(value: Value, reserved: RegExp, literals: Literals): Value {
    if (typeof value === "string") return this.#markText(value, reserved, literals) as Value;
    const mark = <Inner>(inner: Inner): Inner => this.#mark(inner, reserved, literals);
    if (Array.isArray(value)) return value.map(mark) as Value;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(mark)) as Value;
  }

  #markText(text: string, reserved: RegExp, literals: Literals): string {
    const mark = (literal: string) => literalMark(literals.number(literal));
    const end = text.trimEnd().length;
    const begun = this.#begunLength(text.slice(0, end));
    const marked = text.slice(0, end - begun).replace(reserved, mark);
    return marked + (begun > 0 ? mark(text.slice(end - begun, end)) : "") + text.slice(end);
  }

  /** Templates may join two texts: of the end of `text`, how much the next could complete to a control token. */
  #begunLength(text: string): number {
    let length = Math.min(LONGEST_BEGINNING, text.length);
    while (length > 0 && !this.#begun.has(text.slice(-length))) length--;
    return length;
  }
}

/** What a client is told where the template makes nothing of its messages. */
export function cannotRender(reason: string): Failure {
  return invalidRequest(
    PROMPT_FIELD,
    `The model's chat template cannot render these messages: ${reason.slice(0, 500)}`,
  );
}

/** What is said of a template that makes nothing of any messages. */
export function cannotChat(reason: string): Failure {
  return modelNotCapable(`The model's chat template cannot be used: ${reason.slice(0, 500)}`);
}

const LONGEST_BEGINNING = 64;

/** What a template may be shown instead of what it refuses. */
function otherWays({ messages, tools, ...prompt }: ChatPrompt): readonly ChatPrompt[] {
  const given = tools === undefined ? [] : [tools];
  const plainer = given.map((some) => ({ ...prompt, messages, tools: plainTools(some) }));
  const arranged = arrangements(messages).map((other) => ({
    ...prompt,
    messages: other,
    ...(tools !== undefined && { tools }),
  }));
  return [...plainer, ...arranged];
}

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

/** The longest first. */
function anyOf(texts: readonly string[]): RegExp {
  const longestFirst = texts.toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(escapePattern).join("|"), "gu");
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/gu, "\\$&");
}
