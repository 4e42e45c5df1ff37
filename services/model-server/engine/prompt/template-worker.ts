/** The thread that renders the chat template: see template-thread.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { Failure } from "@localmodel/inference/failure.ts";
import { cannotChat, ChatTemplate } from "./chat-template.ts";
import type {
  Answered,
  RenderRequest,
  TemplateRequest,
  TemplateSource,
} from "./template-thread.ts";

const { source, tokens } = workerData as TemplateSource;
const template = new ChatTemplate(source, tokens);

function rendered({ prompt, contextTokens }: RenderRequest): Answered {
  try {
    return { segments: template.render(prompt, { contextTokens }) };
  } catch (error) {
    if (error instanceof Failure) return { failure: error.data };
    throw error;
  }
}

function found(): Answered {
  try {
    return { facts: template.facts, writtenProbes: template.writtenProbes };
  } catch (error) {
    return { failure: cannotChat(error instanceof Error ? error.message : String(error)).data };
  }
}

parentPort?.on("message", (request: TemplateRequest) =>
  parentPort?.postMessage("prompt" in request ? rendered(request) : found()),
);
