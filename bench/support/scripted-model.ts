/**
 * A model server that computes nothing: what is measured is what comes before it.
 *
 * As a child process it listens on a free port and tells its parent. What it does comes with the request:
 *
 *   { }                                a short JSON answer at once
 *   { stream, events, intervalMs }     so many events, so far apart
 *   { messages, simulate: true }       a stream as from a server with prompt caches: it has a few slots, each
 *                                      remembers the last prompt it had, and only what is new of a prompt costs
 *                                      time
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** Slots of a simulated server. */
export const SIMULATED_SLOTS = 4;
const EVALUATED_CHARACTERS_PER_MS = 20;
const SIMULATED_TOKENS = 20;
const TOKEN_MS = 5;

const BUFFERED = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
});
const delta = { content: "Hello" };
const EVENT = `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
const DONE = "data: [DONE]\n\n";

export class ScriptedModel implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<ScriptedModel> {
    const child = fork(fileURLToPath(import.meta.url), { execArgv: [] });
    const [port] = (await once(child, "message")) as [number];
    return new ScriptedModel(child, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}

type Asked = {
  readonly stream?: boolean;
  readonly events?: number;
  readonly intervalMs?: number;
  readonly simulate?: boolean;
  readonly messages?: readonly { readonly content: string }[];
};

type Slot = { busy: boolean; prompt: string; lastUse: number };

/** The slots, and who waits for one. */
class Simulation {
  readonly #slots: Slot[] = Array.from({ length: SIMULATED_SLOTS }, () => ({
    busy: false,
    prompt: "",
    lastUse: 0,
  }));
  readonly #waiting: (() => void)[] = [];
  #uses = 0;

  async answer(prompt: string, res: ServerResponse): Promise<void> {
    while (this.#slots.every((slot) => slot.busy)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const [slot] = this.#slots
      .filter((one) => !one.busy)
      .toSorted(
        (a, b) => shared(b.prompt, prompt) - shared(a.prompt, prompt) || a.lastUse - b.lastUse,
      );
    if (slot === undefined) return;
    slot.busy = true;
    slot.lastUse = ++this.#uses;
    const fresh = prompt.length - shared(slot.prompt, prompt);
    slot.prompt = prompt;
    await wait(fresh / EVALUATED_CHARACTERS_PER_MS);
    for (let token = 0; token < SIMULATED_TOKENS; token += 1) {
      res.write(EVENT);
      await wait(TOKEN_MS);
    }
    slot.busy = false;
    this.#waiting.shift()?.();
    res.end(DONE);
  }
}

function shared(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a[at] === b[at]) at += 1;
  return at;
}

async function bodyOf(req: IncomingMessage): Promise<Asked> {
  let text = "";
  for await (const chunk of req) text += String(chunk);
  return JSON.parse(text || "{}") as Asked;
}

async function answer(simulation: Simulation, req: IncomingMessage, res: ServerResponse) {
  const { stream, events = 1, intervalMs = 0, simulate, messages = [] } = await bodyOf(req);
  if (stream !== true) {
    const length = Buffer.byteLength(BUFFERED);
    res.writeHead(200, { "content-type": "application/json", "content-length": length });
    res.end(BUFFERED);
    return;
  }
  res.writeHead(200, { "content-type": "text/event-stream" });
  if (simulate === true) {
    await simulation.answer(messages.map(({ content }) => content).join("\n"), res);
    return;
  }
  for (let event = 0; event < events && !res.destroyed; event += 1) {
    res.write(EVENT);
    await (intervalMs > 0 ? wait(intervalMs) : new Promise(setImmediate));
  }
  res.end(DONE);
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  const simulation = new Simulation();
  const server = createServer((req, res) => void answer(simulation, req, res));
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", 4096, () => {
    process.send?.((server.address() as AddressInfo).port);
  });
  process.on("disconnect", () => process.exit());
}
