/**
 * POST /tokenize, /detokenize and /apply-template, in the forms of llama.cpp's server and of vLLM. A conversation is
 * understood as the chat endpoint understands it, with everything else that its body may say.
 */
import type { Prompt } from "@localmodel/inference/generate.ts";
import {
  MEDIUM_TOKEN,
  readingOf,
  type TokenizeAsk,
  type TokenizeEvent,
  type WrittenToken,
} from "@localmodel/inference/tokenize.ts";
import type { Understood, Wire } from "@localmodel/inference/wire.ts";
import { chatWire } from "../chat/chat-wire.ts";
import { APPLY_TEMPLATE, DETOKENIZE, TOKENIZE } from "../endpoints.ts";
import type { ContentPart } from "./mixed-content.ts";
import {
  parseDetokenizeRequest,
  parseTokenizeRequest,
  type TokenizeBody,
} from "./tokenizing-requests.ts";

const idPrefix = "tok-";

export const tokenizeWire: Wire<"tokenize"> = {
  endpoint: TOKENIZE,
  understand: (body) => {
    if (isConversation(body)) return tokenizedConversation(body);
    const { request, ignored } = parseTokenizeRequest(body);
    const { model } = request;
    return { model, ask: askOf(request), ignored, idPrefix, answer: answerTo(request) };
  },
};

export const detokenizeWire: Wire<"tokenize"> = {
  endpoint: DETOKENIZE,
  understand: (body) => {
    const { request, ignored } = parseDetokenizeRequest(body);
    const { model } = request;
    const tokens = request.tokens.filter((token) => token !== MEDIUM_TOKEN);
    const ask = { prompts: [{ kind: "tokens", tokens }], gives: "text" } as const;
    return { model, ask, ignored, idPrefix, answer: textAnswer };
  },
};

export const applyTemplateWire: Wire<"tokenize"> = {
  endpoint: APPLY_TEMPLATE,
  understand: (body) => {
    const { model, ask, ignored } = conversationIn(body);
    return {
      model,
      ask: { ...ask, gives: "text" },
      ignored,
      idPrefix,
      answer: (_head, events) => ({ prompt: textIn(events) }),
    };
  },
};

type Answer = Understood<"tokenize">["answer"];
type Conversation = { readonly messages: unknown; readonly return_token_strs?: unknown };

function isConversation(body: unknown): body is Conversation {
  if (typeof body !== "object" || body === null || !("messages" in body)) return false;
  return body.messages !== null && body.messages !== undefined;
}

/** vLLM's. What it says of single tokens beside the conversation is no field of a chat. */
function tokenizedConversation(body: Conversation): Understood<"tokenize"> {
  const { model, ask, ignored } = conversationIn(body);
  const form = { return_token_strs: body.return_token_strs === true };
  return {
    model,
    ask: { ...ask, givesPieces: form.return_token_strs },
    ignored: ignored.filter((name) => name !== "return_token_strs"),
    idPrefix,
    answer: answerTo(form),
  };
}

/** What no chat may say, as nothing could be answered to it: that the template opens no answer. */
function conversationIn(body: unknown): Omit<Understood<"tokenize">, "idPrefix" | "answer"> {
  const { add_generation_prompt: opens, ...chat } = (body ?? {}) as Readonly<
    Record<string, unknown>
  >;
  const { model, ask, ignored } = chatWire.understand(opens === false ? chat : body);
  const reading = readingOf(ask);
  if (opens !== false) return { model, ask: reading, ignored };
  const [prompt] = reading.prompts;
  const prompts = [{ ...prompt, opensAnswer: false }] as const;
  return { model, ask: { ...reading, prompts }, ignored };
}

/** llama.cpp's server adds nothing to a text that it is not told to, vLLM what the model wants. */
function askOf(request: TokenizeBody): TokenizeAsk {
  const { content, prompt = "", add_special = false, parse_special = true } = request;
  const { add_special_tokens = true, with_pieces = false, return_token_strs = false } = request;
  const isLlama = content !== undefined;
  return {
    ...promptsOf(content ?? [prompt]),
    gives: "tokens",
    givesPieces: with_pieces || return_token_strs,
    special: isLlama
      ? { adds: add_special, parses: parse_special }
      : { adds: add_special_tokens, parses: true },
  };
}

function promptsOf([first = "", ...following]: readonly ContentPart[]) {
  const prompt: Prompt =
    typeof first === "string" ? { kind: "text", text: first } : { kind: "tokens", tokens: first };
  return { prompts: [prompt] as const, ...(following.length > 0 && { following }) };
}

type AnswerForm = Pick<TokenizeBody, "content" | "with_pieces" | "return_token_strs">;

function answerTo({ content, with_pieces, return_token_strs }: AnswerForm): Answer {
  return (_head, events) => {
    const read = events.find((event) => event.type === "tokens");
    const { tokens = [], pieces = [], contextTokens } = read ?? {};
    if (content !== undefined) {
      const withPieces = tokens.map((id, index) => ({ id, piece: pieces[index] }));
      return { tokens: with_pieces === true ? withPieces : tokens };
    }
    return {
      count: tokens.length,
      max_model_len: contextTokens,
      tokens,
      token_strs: return_token_strs === true ? pieces.map(asText) : null,
    };
  };
}

function asText(piece: WrittenToken): string {
  return typeof piece === "string" ? piece : Buffer.from(piece).toString();
}

const textAnswer: Answer = (_head, events) => {
  const text = textIn(events);
  return { content: text, prompt: text };
};

function textIn(events: readonly TokenizeEvent[]): string {
  return events.find((event) => event.type === "text")?.text ?? "";
}
