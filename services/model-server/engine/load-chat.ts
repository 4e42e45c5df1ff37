/** How a model chats, found out by rendering conversations with its template while the rest of it is still loading. */
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { toolSyntaxOf } from "@localmodel/tools/derive/tool-syntax.ts";
import type { LlamaLog } from "./llama/library.ts";
import type { ModelDescription } from "./llama/model.ts";
import { CHATML } from "./prompt/chat-template.ts";
import { TemplateThread } from "./prompt/template-thread.ts";
import type { Vocabulary } from "./text/vocabulary.ts";

export type Chat = {
  readonly template?: TemplateThread;
  readonly facts: Pick<ModelFacts, "template" | "toolSyntax" | "chatProblem">;
};

/** A model whose template is unusable does everything but chat. */
export async function loadChat(
  { chatTemplate, tokenizerTexts }: ModelDescription,
  vocabulary: Vocabulary,
  log: LlamaLog,
): Promise<Chat> {
  if (chatTemplate === undefined) log("warn", "The model file has no chat template: using ChatML");
  const { controlTexts, endTexts, markerTexts } = vocabulary;
  const source = chatTemplate ?? CHATML;
  try {
    const tokens = { ...tokenizerTexts, controlTexts, endTexts, markerTexts };
    const template = new TemplateThread(source, tokens);
    const { facts, writtenProbes } = await template.probed();
    const toolSyntax = toolSyntaxOf(source, writtenProbes);
    return { template, facts: { template: facts, toolSyntax } };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log("warn", `The model will not chat: ${reason}`);
    return { facts: { chatProblem: reason.slice(0, 1000) } };
  }
}
