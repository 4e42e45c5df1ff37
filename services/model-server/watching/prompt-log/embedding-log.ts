/** A request for embeddings as a reader of the log sees it: the inputs, and how it ended. Vectors are not shown. */
import type { EmbedResult } from "../../engine/contract.ts";
import type { EmbedRequest } from "@localmodel/inference/embed.ts";
import { type About, describe } from "./observe.ts";
import type { PromptLog } from "./prompt-log.ts";

export type LoggedEmbedding = {
  readonly inputs: EmbedRequest["inputs"];
  readonly embed: () => Promise<EmbedResult>;
  readonly signal: AbortSignal;
};

/** Nothing is done for the log while nobody reads it. */
export async function embedLogged(
  promptLog: PromptLog,
  about: About,
  { inputs, embed, signal }: LoggedEmbedding,
): Promise<EmbedResult> {
  if (!promptLog.isAttached) return embed();
  const startMs = performance.now();
  const tell = (type: string, fields: object): void =>
    promptLog.tell({ type, time: new Date().toISOString(), ...about, ...fields });
  const timings = () => ({ totalMs: Math.round((performance.now() - startMs) * 10) / 10 });
  tell("llm.embedding.input", { inputs });
  try {
    const result = await embed();
    const { vectors, promptTokens } = result;
    const [{ length: dimensions } = { length: 0 }] = vectors;
    tell("llm.embedding.output", { usage: { promptTokens }, dimensions, timings: timings() });
    return result;
  } catch (error) {
    const failure = signal.aborted ? "the client hung up" : error;
    tell("llm.embedding.output", { timings: timings(), error: describe(failure) });
    throw error;
  }
}
