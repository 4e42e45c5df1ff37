/** The thread that renders the chat template: see template-thread.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { Failure } from "@localmodel/inference/failure.ts";
import { ChatTemplate } from "./chat-template.ts";
import type { RenderRequest, Rendered, TemplateSource } from "./template-thread.ts";

const { source, tokens } = workerData as TemplateSource;
const template = new ChatTemplate(source, tokens);

function rendered({ prompt, contextTokens }: RenderRequest): Rendered {
  try {
    return { segments: template.render(prompt, { contextTokens }) };
  } catch (error) {
    if (error instanceof Failure) return { failure: error.data };
    throw error;
  }
}

parentPort?.on("message", (request: RenderRequest) => parentPort?.postMessage(rendered(request)));
