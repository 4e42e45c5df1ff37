/** POST /v1/chat/completions: from its body to what it asks for, and from the engine's events to its answers. */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import { type Choice, choicesOf } from "@localmodel/inference/choices.ts";
import type { Content } from "@localmodel/inference/picture.ts";
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import type {
  FinishReason,
  GenerateEvent,
  Prompt,
  TemplateMessage,
} from "@localmodel/inference/generate.ts";
import type { ToolUse } from "@localmodel/inference/tools.ts";
import type { Understood, Wire } from "@localmodel/inference/wire.ts";
import { streaming } from "../answers/streaming.ts";
import { CHAT_COMPLETIONS } from "../endpoints.ts";
import { constraintOf } from "../parsing/answer-format.ts";
import { askedSampling } from "../parsing/asked-sampling.ts";
import {
  type ChatChunks,
  chatChunks,
  chatCompletion,
  type ChatFinishReason,
} from "./chat-answer.ts";
import { type ChatRequest, parseChatRequest } from "./chat-request.ts";
import type { ChatMessage } from "./messages.ts";
import { budgetOf, reasoningVariables } from "./reasoning-fields.ts";
import { SentMedia } from "./sent-media.ts";
import { calledTools, callFormOf, toolDeltas, type ToolDeltas } from "./tool-calls.ts";
import { isLegacy, toolUseOf } from "./tool-choice.ts";
import { templateTool } from "./tools.ts";

export const chatWire: Wire<"generate"> = { endpoint: CHAT_COMPLETIONS, understand };

function understand(body: unknown): Understood<"generate"> {
  const { request, ignored } = parseChatRequest(body);
  const ask = askOf(request);
  return {
    model: request.model,
    ask,
    ignored,
    idPrefix: "chatcmpl-",
    answer: (head, events) => {
      const { choices, usage } = choicesOf(events);
      const answers = choices.map((choice) => answerOf(choice, request));
      return chatCompletion(head, answers, usage);
    },
    ...streaming(request, ask, (head, includesUsage) =>
      chunksOf(chatChunks(head, includesUsage), request, {
        includesUsage,
        mayCall: ask.toolUse !== undefined,
      }),
    ),
  };
}

function askOf(request: ChatRequest): GenerateAsk {
  const toolUse = toolUseOf(request);
  const media = new SentMedia();
  return {
    prompts: [promptOf(request, toolUse, media)],
    choicesPerPrompt: request.n ?? 1,
    length: {
      most: request.max_completion_tokens ?? request.max_tokens,
      least: request.min_tokens,
    },
    sampling: askedSampling(request),
    stop: request.stop ?? [],
    ...(request.logprobs === true && { topLogprobs: request.top_logprobs ?? 0 }),
    echo: false,
    ignoreEos: request.ignore_eos ?? false,
    ...(request.cache_prompt === false && { usesPromptCache: false }),
    ...constraintOf(request),
    ...(toolUse !== undefined && { toolUse }),
    ...media.gathered(),
    ...budgetOf(request),
  };
}

function promptOf(request: ChatRequest, toolUse: ToolUse | undefined, media: SentMedia): Prompt {
  const variables = { ...reasoningVariables(request), ...request.chat_template_kwargs };
  return {
    kind: "chat",
    messages: request.messages.map((message, index) =>
      templateMessage(
        message,
        media.contentOf(message.content, `${PROMPT_FIELD}[${index}].content`),
      ),
    ),
    ...(toolUse !== undefined && { tools: toolUse.tools.map(templateTool) }),
    ...(Object.keys(variables).length > 0 && { templateVariables: variables }),
  };
}

/** Templates of open models know neither OpenAI's newer name for `system` nor its older one for `tool`. */
const TEMPLATE_ROLES: Readonly<Partial<Record<ChatMessage["role"], string>>> = {
  developer: "system",
  function: "tool",
};

function templateMessage(message: ChatMessage, content: Content): TemplateMessage {
  const role = TEMPLATE_ROLES[message.role] ?? message.role;
  return { ...message, role, content };
}

function answerOf(choice: Choice, request: ChatRequest) {
  const { text, reasoning, toolCalls, reason, generated } = choice;
  return {
    reasoning,
    content: text === "" && toolCalls.length > 0 ? null : text,
    calls: calledTools(toolCalls, callFormOf(request)),
    reason: finishReason(reason, request),
    ...(request.logprobs === true && { logprobs: generated }),
  };
}

function finishReason(reason: FinishReason, request: ChatRequest): ChatFinishReason {
  return reason === "tool_calls" && isLegacy(request) ? "function_call" : reason;
}

type Chunking = { readonly includesUsage: boolean; readonly mayCall: boolean };

function chunksOf(chunks: ChatChunks, request: ChatRequest, { includesUsage, mayCall }: Chunking) {
  const callsOf = new Map<number, ToolDeltas>();
  return (event: GenerateEvent): object | undefined => {
    switch (event.type) {
      case "started":
        return chunks.role(event.choice, mayCall ? null : "");
      case "delta":
        return contentChunk(chunks, event);
      case "tool_call":
      case "tool_arguments":
        return callChunk(chunks, event, deltasOf(callsOf, event.choice, request));
      case "finish":
        return chunks.finish(event.choice, finishReason(event.reason, request));
      case "done":
        return includesUsage ? chunks.usage(event.usage) : undefined;
      // Chats are never echoed, and what else the engine tells is no business of a client.
      default:
        return undefined;
    }
  };
}

/** None for what has no content: it belongs to a call. */
function contentChunk(
  chunks: ChatChunks,
  { choice, text, isReasoning, logprobs }: Extract<GenerateEvent, { type: "delta" }>,
): object | undefined {
  if (isReasoning === true) return text === "" ? undefined : chunks.reasoning(choice, text);
  if (text === "" && logprobs === undefined) return undefined;
  return chunks.content(choice, text, logprobs);
}

type CallEvent = Extract<GenerateEvent, { type: "tool_call" | "tool_arguments" }>;

function callChunk(chunks: ChatChunks, event: CallEvent, deltas: ToolDeltas): object {
  const delta =
    event.type === "tool_call" ? deltas.call(event) : deltas.arguments(event.call, event.text);
  return chunks.delta(event.choice, delta);
}

/** Of a choice, made with its first call. */
function deltasOf(
  known: Map<number, ToolDeltas>,
  choice: number,
  request: ChatRequest,
): ToolDeltas {
  const deltas = known.get(choice) ?? toolDeltas(callFormOf(request));
  known.set(choice, deltas);
  return deltas;
}
