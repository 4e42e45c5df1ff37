/**
 * A process that fetches weights, for tests that kill it or start several.
 *
 * Run directly it is that process: source and cache come as arguments, and its last line of output is
 * the result as JSON.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type FetchOptions, fetchWeights } from "@localmodel/weights/fetch-weights.ts";
import type { Weights } from "@localmodel/weights/fetch-parts.ts";
import type { WeightsPhase } from "@localmodel/weights/progress/progress.ts";
import type { WeightsSource } from "@localmodel/localmodel/resource/source-spec.ts";

type Request = { readonly source: WeightsSource; readonly options: FetchOptions };
type Fetched = Weights & { readonly phases: readonly WeightsPhase[] };

export class FetchingProcess {
  readonly #child;
  readonly #output: Promise<string>;

  /** `user` is the id of another user to run as, which takes root. */
  constructor(source: WeightsSource, options: FetchOptions, { user }: { user?: number } = {}) {
    const request = JSON.stringify({ source, options } satisfies Request);
    this.#child = spawn(process.execPath, [fileURLToPath(import.meta.url), request], {
      stdio: ["ignore", "pipe", "inherit"],
      ...(user !== undefined && { uid: user, gid: user }),
    });
    this.#output = this.#read();
  }

  /** What it fetched; undefined if it ended without. */
  async result(): Promise<Fetched | undefined> {
    const output = await this.#output;
    return output === "" ? undefined : (JSON.parse(output) as Fetched);
  }

  /** As `kill -9` does: it gets no chance to clean up. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#output;
  }

  async #read(): Promise<string> {
    let output = "";
    for await (const text of this.#child.stdout.setEncoding("utf8")) output += String(text);
    return output;
  }
}

if (import.meta.main) {
  const { source, options } = JSON.parse(process.argv[2] ?? "") as Request;
  const phases = new Set<WeightsPhase>();
  const weights = await fetchWeights(source, {
    ...options,
    onProgress: ({ phase }) => phases.add(phase),
  });
  process.stdout.write(JSON.stringify({ ...weights, phases: [...phases] } satisfies Fetched));
}
