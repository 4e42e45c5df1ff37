/** POST /v1/responses: from its body to what it asks for, and from the engine's events to its answers. */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { GenerateEvent, Prompt, TemplateMessage } from "@localmodel/inference/generate.ts";
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { missingField, previousResponseNotFound } from "@localmodel/inference/refusals.ts";
import type { ToolUse } from "@localmodel/inference/tools.ts";
import type { Framing, Keeper, Understood, Wire } from "@localmodel/inference/wire.ts";
import { budgetOf, reasoningVariables } from "../chat/reasoning-fields.ts";
import { templateTool } from "../chat/tools.ts";
import { RESPONSES } from "../endpoints.ts";
import { askedSampling } from "../parsing/asked-sampling.ts";
import { type Conversation, conversationOf } from "./conversation.ts";
import { earlierItems } from "./earlier-items.ts";
import { dereferencing } from "./referenced-items.ts";
import { ResponseWriter } from "./response-writer.ts";
import { toolUseOf } from "./response-tools.ts";
import { parseResponsesRequest, type ResponsesRequest } from "./responses-request.ts";
import { constraintOf } from "./text-format.ts";

export const responsesWire: Wire<"generate"> = { endpoint: RESPONSES, understand };

function understand(body: unknown, keeper?: Keeper): Understood<"generate"> {
  const { request, ignored } = parseResponsesRequest(body);
  const { model, stream, store = true } = request;
  const isKept = store && keeper !== undefined;
  return {
    model,
    ask: askOf(request, conversationIn(request, keeper)),
    ignored,
    idPrefix: "resp_",
    answer: (head, events) => new ResponseWriter(head, request, isKept).whole(events),
    ...(stream === true && {
      stream: (head) => framing(new ResponseWriter(head, request, isKept)),
    }),
  };
}

function framing(writer: ResponseWriter): Framing<GenerateEvent> {
  return Object.assign((event: GenerateEvent) => writer.frames(event), {
    failed: writer.failed.bind(writer),
    idle: writer.idle.bind(writer),
  });
}

/** The whole conversation: what was kept of it, and what is new. */
function conversationIn(
  { previous_response_id: previous, instructions, input = [] }: ResponsesRequest,
  keeper: Keeper | undefined,
): Conversation {
  if (previous !== undefined && keeper === undefined) throw previousResponseNotFound(previous);
  const earlier = earlierItems(keeper?.earlier ?? []);
  const itself = dereferencing(keeper?.referenced ?? []);
  const conversation = conversationOf(instructions, [
    ...earlier.map((item) => ({ item: itself(item), field: "previous_response_id" })),
    ...input.map((item, index) => ({ item: itself(item), field: `${PROMPT_FIELD}[${index}]` })),
  ]);
  if (conversation.messages.length === 0) throw missingField("input");
  return conversation;
}

function askOf(request: ResponsesRequest, { messages, media }: Conversation): GenerateAsk {
  const toolUse = toolUseOf(request);
  return {
    prompts: [promptOf(request, messages, toolUse)],
    choicesPerPrompt: 1,
    length: { most: request.max_output_tokens, least: request.min_tokens },
    sampling: askedSampling(request),
    stop: request.stop ?? [],
    ...logprobsOf(request),
    echo: false,
    ignoreEos: request.ignore_eos ?? false,
    ...(request.cache_prompt === false && { usesPromptCache: false }),
    ...constraintOf(request.text),
    ...(toolUse !== undefined && { toolUse }),
    ...media.gathered(),
    ...budgetOf(request),
  };
}

function promptOf(
  { reasoning, truncation, ...request }: ResponsesRequest,
  messages: readonly TemplateMessage[],
  toolUse: ToolUse | undefined,
): Prompt {
  const effort = reasoning?.effort ?? request.reasoning_effort;
  const asked = { ...request, ...(effort !== undefined && { reasoning_effort: effort }) };
  const variables = { ...reasoningVariables(asked), ...request.chat_template_kwargs };
  return {
    kind: "chat",
    messages,
    ...(toolUse !== undefined && { tools: toolUse.tools.map(templateTool) }),
    ...(truncation === "auto" && { dropsOldest: true }),
    ...(Object.keys(variables).length > 0 && { templateVariables: variables }),
  };
}

/** Either field asks for them. */
function logprobsOf({ include = [], top_logprobs: top = 0 }: ResponsesRequest) {
  const asked = top > 0 || include.includes("message.output_text.logprobs");
  return asked ? { topLogprobs: top } : {};
}
