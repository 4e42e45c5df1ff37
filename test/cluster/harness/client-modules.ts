/**
 * Modules that run in the client pod, with the official `openai` package, and print JSON.
 */
import { API_URL } from "./scene.ts";

const client = (options: object = {}): string =>
  `import OpenAI from "openai";
const reasonsOf = (error) => error ? [error.code, error.message, reasonsOf(error.cause)].filter(Boolean).join(" ") : "";
const client = new OpenAI({ baseURL: ${JSON.stringify(API_URL)}, apiKey: "none", ...${JSON.stringify(options)} });
`;

export type ChatAnswer = {
  /** Of the stream. */
  readonly text: string;
  /** Of the answer that came in one piece. */
  readonly whole: string;
  readonly pieces: number;
  readonly finish: string | null;
  readonly totalTokens: number;
};

/** One question, asked plainly and as a stream. */
export function chatModule(model: string, question: string): string {
  return `${client()}
const request = { model: ${JSON.stringify(model)}, messages: [{ role: "user", content: ${JSON.stringify(question)} }], temperature: 0, max_tokens: 24 };
const whole = await client.chat.completions.create(request);
const stream = await client.chat.completions.create({ ...request, stream: true });
let text = "", pieces = 0, finish = null;
for await (const chunk of stream) {
  const [choice] = chunk.choices;
  if (choice?.delta.content) { text += choice.delta.content; pieces += 1; }
  finish = choice?.finish_reason ?? finish;
}
console.log(JSON.stringify({ text, whole: whole.choices[0].message.content, pieces, finish, totalTokens: whole.usage.total_tokens }));
`;
}

/** One question, asked with these headers. Prints the usage that the answer tells. */
export function tracedModule(model: string, headers: Readonly<Record<string, string>>): string {
  return `${client({ defaultHeaders: headers, maxRetries: 0 })}
const { usage } = await client.chat.completions.create({ model: ${JSON.stringify(model)}, messages: [{ role: "user", content: "Hello" }], max_tokens: 8 });
console.log(JSON.stringify(usage));
`;
}

export function modelsModule(): string {
  return `${client()}
const ids = [];
for await (const { id } of client.models.list()) ids.push(id);
console.log(JSON.stringify(ids));
`;
}

export type Refusal = { readonly status: number; readonly code: string | null };

/** How a request for a model is refused. */
export function refusalModule(model: string): string {
  return `${client({ maxRetries: 0 })}
const request = { model: ${JSON.stringify(model)}, messages: [{ role: "user", content: "Hello" }], max_tokens: 1 };
const refusal = await client.chat.completions.create(request).then(() => ({ status: 200, code: null }), ({ status, code }) => ({ status, code }));
console.log(JSON.stringify(refusal));
`;
}

export type PictureAnswer =
  | { readonly text: string; readonly promptTokens: number }
  | Readonly<Record<"status" | "code" | "param" | "message", unknown>>;

/** One question about a picture, as a data URL. Prints the answer, or how it is refused. */
export function pictureModule(model: string, url: string): string {
  const content = [
    { type: "image_url", image_url: { url } },
    { type: "text", text: "Spell it." },
  ];
  const request = { model, max_tokens: 12, temperature: 0, messages: [{ role: "user", content }] };
  return `${client({ maxRetries: 0 })}
const told = await client.chat.completions.create(${JSON.stringify(request)}).then(
  ({ choices, usage }) => ({ text: choices[0].message.content, promptTokens: usage.prompt_tokens }),
  ({ status, code, param, message }) => ({ status, code, param, message }),
);
console.log(JSON.stringify(told));
`;
}

/** What a model can do, as the API service lists it. */
export function capabilitiesModule(model: string): string {
  return `${client()}
const { capabilities } = await client.models.retrieve(${JSON.stringify(model)});
console.log(JSON.stringify(capabilities));
`;
}

export type LoadResult = {
  readonly streams: number;
  readonly failures: readonly string[];
};

/**
 * Streams one after the other on \`lanes\` lanes until told to end; a stream that does not come to its own
 * end, or a request that is refused, is a failure. Nothing is tried again.
 */
export function loadModule(model: string, lanes: number): string {
  return `import { existsSync } from "node:fs";
${client({ maxRetries: 0 })}
let streams = 0;
const failures = [];
async function lane(number) {
  for (let round = 0; round < 2 || !existsSync(process.env.STOP); round++) {
    try {
      const stream = await client.chat.completions.create({ model: ${JSON.stringify(model)}, stream: true, max_tokens: 48, seed: round, messages: [{ role: "user", content: \`Count from \${number} to \${number + round}.\` }] });
      let finish = null;
      for await (const chunk of stream) finish = chunk.choices[0]?.finish_reason ?? finish;
      if (finish === null) throw new Error("a stream ended without a finish reason");
      streams += 1;
    } catch (error) {
      failures.push(\`\${new Date().toISOString()} \${reasonsOf(error)}\`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
await Promise.all(Array.from({ length: ${lanes} }, (_, number) => lane(number)));
console.log(JSON.stringify({ streams, failures: failures.slice(0, 20) }));
`;
}

/** Said on the standard error of `openModule` once every stream has had its first token. */
export const ALL_OPEN = "all streams are open";

export type OpenResult = {
  readonly ended: number;
  readonly tokens: number;
  readonly failures: readonly string[];
};

/** So many streams at once, long ones, each to its own end. Nothing is tried again. */
export function openModule(model: string, streams: number): string {
  return `${client({ maxRetries: 0, timeout: 600_000 })}
const failures = [];
let open = 0, ended = 0, tokens = 0;
async function one(number) {
  try {
    const stream = await client.chat.completions.create({ model: ${JSON.stringify(model)}, stream: true, stream_options: { include_usage: true }, max_tokens: 128, seed: number, ignore_eos: true, messages: [{ role: "user", content: \`Count from \${number}.\` }] });
    let finish = null, begun = false;
    for await (const chunk of stream) {
      if (!begun && chunk.choices[0]?.delta.content) { begun = true; open += 1; if (open === ${streams}) console.error(${JSON.stringify(ALL_OPEN)}); }
      finish = chunk.choices[0]?.finish_reason ?? finish;
      tokens += chunk.usage?.completion_tokens ?? 0;
    }
    if (finish === null) throw new Error("a stream ended without a finish reason");
    ended += 1;
  } catch (error) {
    failures.push(\`\${new Date().toISOString()} \${reasonsOf(error)}\`);
  }
}
await Promise.all(Array.from({ length: ${streams} }, (_, number) => one(number)));
console.log(JSON.stringify({ ended, tokens, failures: failures.slice(0, 20) }));
`;
}

/** So many streams at once, short ones, for a model that may have to be woken first. Nothing is tried again. */
export function heldModule(model: string, streams: number): string {
  return `${client({ maxRetries: 0, timeout: 300_000 })}
const failures = [];
async function one(number) {
  try {
    const stream = await client.chat.completions.create({ model: ${JSON.stringify(model)}, stream: true, max_tokens: 4, messages: [{ role: "user", content: \`Say \${number}.\` }] });
    let finish = null;
    for await (const chunk of stream) finish = chunk.choices[0]?.finish_reason ?? finish;
    if (finish === null) throw new Error("a stream ended without a finish reason");
    return 1;
  } catch (error) {
    failures.push(\`\${new Date().toISOString()} \${reasonsOf(error)}\`);
    return 0;
  }
}
const ended = await Promise.all(Array.from({ length: ${streams} }, (_, number) => one(number)));
console.log(JSON.stringify({ streams: ended.reduce((sum, each) => sum + each, 0), failures: failures.slice(0, 20) }));
`;
}

/** One stream of one token. Prints how long it was in coming, from the sending of the request. */
export function firstTokenModule(model: string): string {
  return `${client({ maxRetries: 0, timeout: 300_000 })}
const sentMs = performance.now();
const stream = await client.chat.completions.create({ model: ${JSON.stringify(model)}, stream: true, max_tokens: 1, messages: [{ role: "user", content: "Hello" }] });
let ms;
for await (const chunk of stream) if (chunk.choices[0]?.delta.content) ms ??= performance.now() - sentMs;
console.log(JSON.stringify({ ms }));
`;
}
