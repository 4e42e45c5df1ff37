/** POST /v1/messages: from its body to what it asks for, and from the engine's events to its answers. */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { Prompt, TemplateMessage } from "@localmodel/inference/generate.ts";
import type { ToolUse } from "@localmodel/inference/tools.ts";
import type { Understood, Wire } from "@localmodel/inference/wire.ts";
import { templateTool } from "@localmodel/openai/chat/tools.ts";
import { message, messageFrames } from "./answers/message.ts";
import { MESSAGES } from "./endpoints.ts";
import { conversation, loadedTools } from "./requests/conversation.ts";
import { type MessagesRequest, parseMessagesRequest } from "./requests/messages-request.ts";
import { budgetOf, thinkingVariables } from "./requests/thinking.ts";
import { toolUseOf } from "./requests/tools.ts";

export const messagesWire: Wire<"generate"> = { endpoint: MESSAGES, understand };

function understand(body: unknown): Understood<"generate"> {
  const { request, ignored } = parseMessagesRequest(body);
  return {
    model: request.model,
    ask: askOf(request),
    ignored,
    idPrefix: "msg_",
    answer: message,
    ...(request.stream === true && { stream: messageFrames }),
  };
}

function askOf(request: MessagesRequest): GenerateAsk {
  const { temperature, top_p: topP, top_k, stop_sequences: stop = [] } = request;
  const toolUse = toolUseOf(request, loadedTools(request.messages));
  const { messages, images, begun } = conversation(request);
  return {
    prompts: [{ ...promptOf(request, messages, toolUse), ...(begun !== undefined && { begun }) }],
    ...(images.length > 0 && { images }),
    choicesPerPrompt: 1,
    length: { most: request.max_tokens },
    // Some clients say -1 for every token.
    sampling: { temperature, topP, topK: top_k === undefined ? undefined : Math.max(0, top_k) },
    stop,
    echo: false,
    ignoreEos: false,
    ...constraintOf(request),
    ...(toolUse !== undefined && { toolUse }),
    ...budgetOf(request),
  };
}

function promptOf(
  request: MessagesRequest,
  messages: readonly TemplateMessage[],
  toolUse: ToolUse | undefined,
): Extract<Prompt, { kind: "chat" }> {
  return {
    kind: "chat",
    messages,
    ...(toolUse !== undefined && { tools: toolUse.tools.map(templateTool) }),
    templateVariables: thinkingVariables(request),
  };
}

function constraintOf(request: MessagesRequest): Pick<GenerateAsk, "constraint"> {
  const current = request.output_config?.format?.schema;
  const schema = current ?? request.output_format?.schema;
  if (schema === undefined) return {};
  const field = current === undefined ? "output_format.schema" : "output_config.format.schema";
  return { constraint: { grammar: { language: { kind: "schema", schema, field } } } };
}
