/**
 * What a model that sleeps costs on one machine: its first token when a request loads it, against the time that starting a
 * model server of its own takes; and the same when another has to leave memory for it.
 */
import { link } from "node:fs/promises";
import path from "node:path";
import { LocalMode } from "../../test/support/local-mode.ts";
import { ModelServer } from "../../test/support/model-server.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";

const MAIN = path.join(import.meta.dirname, "../../services/local/main.ts");
const SLOTS = 1;
const CONTEXT_TOKENS = 2048;

type Weights = { readonly path: string; readonly threads: number };

/** From the start of a process to the first token of its first answer. */
export async function plainStartMs(weights: Weights): Promise<number> {
  const sinceMs = performance.now();
  const engine = { slots: SLOTS, contextTokens: CONTEXT_TOKENS, threads: weights.threads };
  await using server = await ModelServer.ready({ weightsPath: weights.path, engine });
  const { id = "" } = await firstModel(`${server.url}/v1`);
  await firstToken(`${server.url}/v1`, id);
  return performance.now() - sinceMs;
}

/** Of two models that take turns in the memory of one. */
export class Laptop implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #local: LocalMode;
  readonly url: string;

  private constructor(folder: TemporaryFolder, local: LocalMode, url: string) {
    this.#folder = folder;
    this.#local = local;
    this.url = url;
  }

  static async start({ path: weights, threads }: Weights, memory: string): Promise<Laptop> {
    const folder = await TemporaryFolder.create();
    for (const name of ["a.gguf", "b.gguf"]) await link(weights, folder.file(name));
    const engine = { "--slots": SLOTS, "--context": CONTEXT_TOKENS, "--threads": threads };
    const flags = Object.entries(engine).flatMap(([flag, value]) => [flag, String(value)]);
    const local = new LocalMode({
      main: MAIN,
      arguments: [folder.path, "--port", "0", "--memory", memory, ...flags],
      environment: { LOCALMODEL_CACHE: folder.file(".cache") },
    });
    const laptop = new Laptop(folder, local, await local.url());
    for (const id of ["a", "b"] as const) await laptop.#sleeps(id);
    return laptop;
  }

  async firstTokenMs(id: "a" | "b"): Promise<number> {
    const sinceMs = performance.now();
    await firstToken(this.url, id);
    return performance.now() - sinceMs;
  }

  /** Until nothing of it is in memory. */
  async unload(id: "a" | "b"): Promise<void> {
    await fetch(`${this.url}/models/${id}/unload`, { method: "POST" });
    await this.#sleeps(id);
  }

  async #sleeps(id: "a" | "b"): Promise<void> {
    await this.#local.until(`${id} sleeps`, async () => {
      const response = await fetch(`${this.url}/models`);
      const { data } = (await response.json()) as { data: { id: string; state: string }[] };
      return data.some((one) => one.id === id && one.state === "asleep") ? true : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#local[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function firstModel(url: string): Promise<{ readonly id?: string }> {
  const response = await fetch(`${url}/models`);
  return ((await response.json()) as { data: { id: string }[] }).data[0] ?? {};
}

/** Comments come before it. */
async function firstToken(url: string, model: string): Promise<void> {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model,
      stream: true,
      max_tokens: 1,
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
  const text = await response.text();
  if (response.status !== 200 || !/"content":"[^"]/.test(text)) {
    throw new Error(`${response.status} and no token: ${text.slice(0, 500)}`);
  }
}
