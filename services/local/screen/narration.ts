/**
 * What is said to people about each model: pure, one line for each thing that happens.
 */
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { formatBytes } from "@localmodel/weights/progress/units.ts";
import type { DesiredModel } from "../desired/desired.ts";
import type { ServerView } from "../desired/server-view.ts";

/** A line for a change that is worth one. Downloads have a bar of their own. */
export function lineFor(
  model: DesiredModel,
  before: ServerView | undefined,
  now: ServerView,
): string | undefined {
  const isNews = before?.state !== now.state;
  switch (now.state) {
    case "asleep":
    case "ready":
    case "loading":
    case "failed":
      return isNews ? `${model.name}: ${newStateLine(model, now)}` : undefined;
    case "restarting":
      return isNews || before.message !== now.message ? `${model.name}: ${now.message}` : undefined;
    case "downloading":
    case "pending":
      return undefined;
  }
}

function newStateLine(model: DesiredModel, view: ServerView): string {
  const { state, message, facts } = view;
  if (state === "asleep") return asleepLine(model, view);
  if (state !== "ready" || facts === undefined)
    return state === "failed" ? `failed: ${message}` : state;
  return `ready as ${model.ids.join(", ")}; ${factsLine(facts)}`;
}

/** "asleep as a; llama 135M Q4_1, 98.4 MB" */
function asleepLine(model: DesiredModel, { header }: ServerView): string {
  const { architecture, parameters = 0, quantization, sizeBytes = 0 } = header ?? {};
  if (architecture === undefined) return "asleep";
  const facts = `${architecture} ${formatCount(parameters)} ${quantization}, ${formatBytes(sizeBytes)}`;
  return `asleep as ${model.ids.join(", ")}; ${facts}`;
}

/** "llama 135M Q4_1, 98.4 MB; 4 slots of 2048 tokens; 312 MB of memory" */
export function factsLine(facts: ModelFacts): string {
  const { architecture, parameters, quantization, sizeBytes, slots } = facts;
  const { ram, vram } = facts.memoryBytes;
  const memory = [
    ...(ram > 0 || vram === 0 ? [`${formatBytes(ram)} of memory`] : []),
    ...(vram > 0 ? [`${formatBytes(vram)} of GPU memory`] : []),
  ].join(" and ");
  const size = `${architecture} ${formatCount(parameters)} ${quantization}, ${formatBytes(sizeBytes)}`;
  return `${size}; ${slots} ${slots === 1 ? "slot" : "slots"} of ${contextLine(facts)}; ${memory}`;
}

/** Who gets less than the model can do is told what to change. */
function contextLine({ contextTokens, trainContextTokens }: ModelFacts): string {
  const tokens = `${contextTokens} tokens`;
  if (contextTokens >= trainContextTokens) return tokens;
  return `${tokens} (of ${trainContextTokens} it was trained for; set by spec.engine.contextTokens, or --context)`;
}

/** 134_515_008 is "135M". */
export function formatCount(count: number): string {
  const units = ["", "K", "M", "B", "T"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)}${units[unit]}`;
}

/** Something to paste that gets an answer from this model. */
export function curlFor(url: string, id: string, capabilities: ModelFacts["capabilities"]): string {
  const chats = capabilities.includes("chat");
  const embeds = !chats && capabilities.includes("embeddings");
  const reranks = capabilities.includes("rerank");
  const path = chats
    ? "chat/completions"
    : reranks
      ? "rerank"
      : embeds
        ? "embeddings"
        : "completions";
  const body = chats
    ? { model: id, messages: [{ role: "user", content: "Why is the sky blue?" }] }
    : reranks
      ? { model: id, query: "What is red?", documents: ["An apple", "The sea"] }
      : embeds
        ? { model: id, input: "The capital of France" }
        : { model: id, prompt: "The capital of France is", max_tokens: 16 };
  return `curl ${url}/${path} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
}

/** How to reach a server that listens on `host`, for clients on this machine. */
export function baseUrl(host: string, port: number): string {
  const isLocal = ["127.0.0.1", "::1", "0.0.0.0", "::"].includes(host);
  const name = isLocal ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}/v1`;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
