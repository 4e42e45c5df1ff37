/**
 * Responses and their events, looked at by the types that OpenAI generates from its own document: what is sent here is
 * written down as constants of those types and type-checked, where a field too many is an error, too.
 *
 * Two fields are beyond the types: `store`, which is in OpenAI's examples, and the name of a call where its arguments are
 * done, which OpenAI's document demands.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { promisify } from "node:util";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { rateLimited } from "@localmodel/inference/unavailability.ts";
import { openaiResponses } from "../dialect.ts";
import { responsesWire } from "./responses-wire.ts";

const MODULES = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const head = { id: "resp_0123", created: 1, model: "m", fingerprint: "fp_1" };
const usage = { promptTokens: 3, completionTokens: 5, cachedTokens: 1, reasoningTokens: 2 };
const token = { token: "H", bytes: [72], logprob: -1 };

const SAID: readonly GenerateEvent[] = [
  { type: "accepted", promptTokens: 3 },
  { type: "started", choice: 0, cachedTokens: 1 },
  { type: "delta", choice: 0, text: "Hm", isReasoning: true },
  { type: "delta", choice: 0, text: "H", logprobs: [{ ...token, top: [token] }] },
  { type: "tool_call", choice: 0, call: 0, id: "call_1", name: "add" },
  { type: "tool_arguments", choice: 0, call: 0, text: "{}" },
  { type: "tool_call", choice: 0, call: 1, id: "call_2", name: "say" },
  { type: "tool_arguments", choice: 0, call: 1, text: '{"input":"x"}' },
];
const ENDS = (["stop", "length", "tool_calls"] as const).map((reason): GenerateEvent[] => [
  { type: "finish", choice: 0, reason },
  { type: "done", usage },
]);

const add = { type: "function", name: "add", parameters: { type: "object", properties: {} } };
const schema = { type: "object", properties: {} };
const BODIES: readonly object[] = [
  { input: "x" },
  {
    input: [{ role: "user", content: "x" }],
    instructions: "i",
    tools: [add, { type: "custom", name: "say", description: "d", format: { type: "text" } }],
    tool_choice: { type: "function", name: "add" },
    parallel_tool_calls: false,
    metadata: { a: "b" },
    temperature: 1,
    top_p: 0.5,
    max_output_tokens: 20,
    truncation: "auto",
    reasoning: { effort: "low", summary: "auto" },
    include: ["reasoning.encrypted_content", "message.output_text.logprobs"],
    top_logprobs: 1,
    text: { format: { type: "json_schema", name: "n", schema }, verbosity: "low" },
    user: "u",
    safety_identifier: "s",
    prompt_cache_key: "k",
  },
  {
    input: "x",
    tools: [add],
    tool_choice: {
      type: "allowed_tools",
      mode: "auto",
      tools: [{ type: "function", name: "add" }],
    },
    text: { format: { type: "json_object" } },
  },
];

const TYPES = `import type { Response, ResponseStreamEvent } from "openai/resources/responses/responses";
type Sent = Omit<Response, "output_text"> & { store: boolean };
type Named<Event> = Event extends { type: "response.function_call_arguments.done" }
  ? Event & { name: string }
  : Event;
type Told<Event> = Event extends { response: Response } ? Omit<Event, "response"> & { response: Sent } : Event;
type SentEvent = Named<Told<ResponseStreamEvent>>;
`;

test("every response and every event is of the type that OpenAI's document gives it", async () => {
  const responses: object[] = [];
  const events: object[] = [];
  for (const body of BODIES) {
    for (const end of ENDS) {
      const said = [...SAID, ...end];
      const { answer, stream } = responsesWire.understand(
        { ...body, stream: true },
        { earlier: [], referenced: [] },
      );
      responses.push(answer(head, said));
      const framesOf = stream?.(head);
      events.push(...said.flatMap((event) => framesOf?.(event) ?? []).map(({ data }) => data));
      events.push(...(framesOf?.failed?.(rateLimited("Later.", 1)) ?? []).map(({ data }) => data));
    }
  }
  events.push(errorEvent());
  assert.ok(events.length > 100);
  await typeCheck(
    TYPES +
      responses.map((one) => `{ const it: Sent = ${JSON.stringify(one)}; void it; }\n`).join("") +
      events.map((one) => `{ const it: SentEvent = ${JSON.stringify(one)}; void it; }\n`).join(""),
  );
});

test("a field too many would be found", async () => {
  const code = `${TYPES}const it: SentEvent = { type: "error", code: null, message: "", param: null, sequence_number: 1, more: 1 };`;
  await assert.rejects(typeCheck(`${code} void it;`), /'more' does not exist/);
});

/** What clients look for beside the document's fields is left out. */
function errorEvent(): object {
  const body = { error: { message: "m", type: "server_error", param: null, code: "engine_error" } };
  const [, data = ""] = openaiResponses.stream.failed(body, 7).split("\ndata: ");
  const { error: _, ...documented } = JSON.parse(data) as { error: object };
  return documented;
}

async function typeCheck(code: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "documented-types-"));
  try {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      module: "nodenext",
      target: "es2024",
      types: [],
      paths: { "openai/*": [`${MODULES}/openai/*`] },
    };
    await writeFile(join(folder, "sent.ts"), code);
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: ["sent.ts"] }),
    );
    const tsc = join(MODULES, "typescript", "bin", "tsc");
    await promisify(execFile)(process.execPath, [tsc, "--project", folder]).catch(
      (error: Error & { stdout?: string }) => {
        throw new Error(`The types do not agree:\n${error.stdout?.slice(0, 4000)}`);
      },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
