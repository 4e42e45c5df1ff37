/**
 * The dialects in which tools are offered: how each says what is asked, and what it has answered, whole or put together from
 * the fragments of a stream.
 */
import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { post } from "./raw-request.ts";
import type { FunctionTool } from "./random-tools.ts";

export type Choice =
  | { readonly kind: "auto" | "none" | "required" }
  | { readonly kind: "named"; readonly name: string }
  | {
      readonly kind: "allowed";
      readonly mode: "auto" | "required";
      readonly names: readonly string[];
    };

export type Asked = {
  readonly model: string;
  readonly tools: readonly FunctionTool[];
  readonly choice: Choice;
  readonly parallel: boolean;
  readonly strict: boolean;
  readonly stream: boolean;
  readonly seed: number;
  readonly maxTokens: number;
};

export type Called = { readonly name: string; readonly json: string };
export type ToolAnswer = { readonly calls: readonly Called[]; readonly isCut: boolean };

export type ToolDialect = {
  readonly path: string;
  /** What it has words for. */
  readonly choices: readonly Choice["kind"][];
  /** Whether it has words for one call at most. */
  readonly limitsCalls: boolean;
  readonly body: (asked: Asked) => object;
  readonly whole: (answer: never) => ToolAnswer;
  readonly streamed: (events: readonly never[]) => ToolAnswer;
};

const HOT = { temperature: 2 };
const MESSAGES = [{ role: "user", content: "Hi" }];
const EVERY_CHOICE = ["auto", "none", "required", "named", "allowed"] as const;

type Fragment = {
  readonly index: number;
  readonly id?: string;
  readonly function: { readonly name?: string; readonly arguments?: string };
};
type Chunk = {
  readonly choices: readonly {
    readonly delta?: { readonly tool_calls?: readonly Fragment[] };
    readonly message?: { readonly tool_calls?: readonly Fragment[] };
    readonly finish_reason: string | null;
  }[];
};

const chat: ToolDialect = {
  path: "/v1/chat/completions",
  choices: EVERY_CHOICE,
  limitsCalls: true,
  body: ({ model, tools, choice, parallel, strict, stream, seed, maxTokens }) => ({
    model,
    messages: MESSAGES,
    tools: tools.map((tool) => ({ ...tool, function: { ...tool.function, strict } })),
    tool_choice: chatChoice(choice),
    parallel_tool_calls: parallel,
    max_completion_tokens: maxTokens,
    stream,
    seed,
    ...HOT,
  }),
  whole: ({ choices: [choice] }: Chunk) => ({
    calls: (choice?.message?.tool_calls ?? []).map(
      ({ function: { name = "", arguments: json = "" } }) => ({
        name,
        json,
      }),
    ),
    isCut: choice?.finish_reason === "length",
  }),
  streamed: (chunks: readonly Chunk[]) => {
    const choices = chunks.flatMap((chunk) => chunk.choices);
    const calls: { name: string; json: string }[] = [];
    for (const { index, id, function: said } of choices.flatMap(
      (one) => one.delta?.tool_calls ?? [],
    )) {
      // Its first fragment alone says what it is.
      assert.equal(index === calls.length, id !== undefined && said.name !== undefined);
      const call = (calls[index] ??= { name: said.name ?? "", json: "" });
      call.json += said.arguments ?? "";
    }
    return { calls, isCut: choices.some((choice) => choice.finish_reason === "length") };
  },
};

function nestedName(name: string): object {
  return { type: "function", function: { name } };
}

function chatChoice(choice: Choice): unknown {
  if (choice.kind === "named") return nestedName(choice.name);
  if (choice.kind !== "allowed") return choice.kind;
  const allowed = { mode: choice.mode, tools: choice.names.map(nestedName) };
  return { type: "allowed_tools", allowed_tools: allowed };
}

type Item = { readonly type: string; readonly name: string; readonly arguments: string };
type Response = { readonly status: string; readonly output: readonly Item[] };
type ResponseEvent = {
  readonly type: string;
  readonly output_index: number;
  readonly delta: string;
  readonly arguments: string;
  readonly response: Response;
};

function ofResponse({ status, output }: Response): ToolAnswer {
  const items = output.filter((item) => item.type === "function_call");
  const calls = items.map(({ name, arguments: json }) => ({ name, json }));
  return { calls, isCut: status === "incomplete" };
}

const responses: ToolDialect = {
  path: "/v1/responses",
  choices: EVERY_CHOICE,
  limitsCalls: true,
  body: ({ model, tools, choice, parallel, strict, stream, seed, maxTokens }) => ({
    model,
    input: MESSAGES,
    tools: tools.map((tool) => ({ type: "function", ...tool.function, strict })),
    tool_choice: responseChoice(choice),
    parallel_tool_calls: parallel,
    max_output_tokens: maxTokens,
    stream,
    seed,
    store: false,
    ...HOT,
  }),
  whole: ofResponse,
  streamed: (events: readonly ResponseEvent[]) => {
    const last = events.at(-1);
    assert.match(last?.type ?? "", /^response\.(completed|incomplete)$/);
    const response = last?.response ?? { status: "", output: [] };
    for (const [index, item] of response.output.entries()) {
      if (item.type !== "function_call") continue;
      const own = events.filter(({ output_index }) => output_index === index);
      const said = (type: string) =>
        own.filter((event) => event.type === `response.function_call_arguments.${type}`);
      assert.equal(
        said("delta")
          .map(({ delta }) => delta)
          .join(""),
        item.arguments,
      );
      assert.ok(said("done").every((event) => event.arguments === item.arguments));
    }
    return ofResponse(response);
  },
};

function flatName(name: string): object {
  return { type: "function", name };
}

function responseChoice(choice: Choice): unknown {
  if (choice.kind === "named") return flatName(choice.name);
  if (choice.kind !== "allowed") return choice.kind;
  return { type: "allowed_tools", mode: choice.mode, tools: choice.names.map(flatName) };
}

type Block = { readonly type: string; readonly name: string; readonly input: unknown };
type Message = { readonly content: readonly Block[]; readonly stop_reason: string };
type MessageEvent = {
  readonly type: string;
  readonly index: number;
  readonly content_block: Block;
  readonly delta: { readonly partial_json?: string; readonly stop_reason?: string };
};

const messages: ToolDialect = {
  path: "/v1/messages",
  choices: ["auto", "none", "required", "named"],
  limitsCalls: true,
  body: ({ model, tools, choice, parallel, stream, seed, maxTokens }) => ({
    model,
    messages: MESSAGES,
    tools: tools.map(({ function: { parameters = { type: "object" }, name, description } }) => ({
      name,
      input_schema: parameters,
      ...(description !== undefined && { description }),
    })),
    tool_choice: messageChoice(choice, parallel),
    max_tokens: maxTokens,
    stream,
    seed,
    ...HOT,
  }),
  whole: ({ content, stop_reason }: Message) => ({
    calls: content
      .filter(({ type }) => type === "tool_use")
      .map(({ name, input }) => ({ name, json: JSON.stringify(input) })),
    isCut: stop_reason === "max_tokens",
  }),
  streamed: (events: readonly MessageEvent[]) => ({
    calls: events
      .filter(
        ({ type, content_block: block }) =>
          type === "content_block_start" && block.type === "tool_use",
      )
      .map(({ index, content_block: { name } }) => {
        const own = events.filter(
          (event) => event.type === "content_block_delta" && event.index === index,
        );
        return { name, json: own.map(({ delta }) => delta.partial_json ?? "").join("") };
      }),
    isCut: events.some((event) => event.delta?.stop_reason === "max_tokens"),
  }),
};

function messageChoice(choice: Choice, parallel: boolean): object {
  if (choice.kind === "none") return { type: "none" };
  const disabled = { disable_parallel_tool_use: !parallel };
  if (choice.kind === "named") return { type: "tool", name: choice.name, ...disabled };
  return { type: choice.kind === "auto" ? "auto" : "any", ...disabled };
}

type Line = {
  readonly message: {
    readonly tool_calls?: readonly { readonly function: { name: string; arguments: unknown } }[];
  };
  readonly done_reason?: string;
};

function ofLines(lines: readonly Line[]): ToolAnswer {
  const calls = lines.flatMap(({ message }) => message.tool_calls ?? []);
  return {
    calls: calls.map(({ function: { name, arguments: args } }) => ({
      name,
      json: JSON.stringify(args),
    })),
    isCut: lines.at(-1)?.done_reason === "length",
  };
}

/** It cannot demand a call. */
const ollama: ToolDialect = {
  path: "/api/chat",
  choices: ["auto"],
  limitsCalls: false,
  body: ({ model, tools, stream, seed, maxTokens }) => ({
    model,
    messages: MESSAGES,
    tools,
    stream,
    options: { ...HOT, seed, num_predict: maxTokens },
  }),
  whole: (line: Line) => ofLines([line]),
  streamed: ofLines,
};

export const TOOL_DIALECTS: Readonly<Record<string, ToolDialect>> = {
  chat,
  responses,
  messages,
  ollama,
};

export async function askForCalls(
  { path, body, whole, streamed }: ToolDialect,
  { url, asked }: { readonly url: string; readonly asked: Asked },
): Promise<ToolAnswer> {
  const { status, headers, body: answer } = await post(url + path, body(asked));
  if (status !== 200) assert.fail(`${status}: ${await text(answer)}`);
  const told = await text(answer);
  if (!asked.stream) return whole(JSON.parse(told) as never);
  const isEvents = headers["content-type"]?.startsWith("text/event-stream") === true;
  const lines = told.split("\n").filter((line) => line.startsWith(isEvents ? "data: {" : "{"));
  return streamed(lines.map((line) => JSON.parse(line.slice(isEvents ? 6 : 0)) as never));
}
