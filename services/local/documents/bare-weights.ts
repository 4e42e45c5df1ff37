/**
 * Weights that nobody wrote a document for, as models of their own.
 *
 * Not every GGUF is one: parts of a split model, projectors, adapters, files that are still being copied and those that
 * a document names are left out. Whoever put them there is told which and why, and no more often than they change.
 */
import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { absolutePath } from "@localmodel/localmodel/documents/file-paths.ts";
import { modelFromGguf } from "@localmodel/localmodel/documents/gguf-model.ts";
import type { ParsedModel } from "@localmodel/localmodel/documents/judge-document.ts";
import type { Problem } from "@localmodel/localmodel/documents/problem.ts";
import type { GivenFile } from "@localmodel/localmodel/documents/read-documents.ts";
import type { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import type { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import type { MirrorSpec } from "@localmodel/localmodel/resource/source-spec.ts";
import { parseSplitName, withPart } from "@localmodel/weights/gguf/split-names.ts";
import type { FoundModel } from "../desired/desired.ts";
import { whyNoModel } from "./weights-role.ts";

/** What the command line says about the engine of models without a document. */
export type BareEngine = Partial<
  Pick<EngineSpec, "contextTokens" | "slots" | "threads" | "gpuLayers">
>;

type BareModels = {
  readonly models: readonly FoundModel[];
  readonly skipped: readonly (Problem & { readonly inFolder: boolean })[];
};

export class BareWeights {
  readonly #engine: BareEngine;
  /** What was found out about a file, by all that tells it from another. */
  readonly #verdicts = new Map<string, string | undefined>();

  constructor(engine: BareEngine) {
    this.#engine = engine;
  }

  /** `documented` are the models that have documents: what they name is theirs. */
  async read(
    weights: readonly GivenFile[],
    documented: readonly ParsedModel[],
  ): Promise<BareModels> {
    const claimed = new Set(
      await Promise.all(documented.flatMap(({ model }) => filesNamedBy(model.spec)).map(real)),
    );
    const taken = new Set(documented.map(({ model }) => model.metadata.name));
    const models: FoundModel[] = [];
    const skipped: BareModels["skipped"][number][] = [];
    for (const given of weights) {
      const { file, inFolder } = given;
      // A file that was asked for by name is served beside what documents make of it.
      if (inFolder && claimed.has(await real(file))) continue;
      const message = await this.#whyNot(given);
      if (message === "") continue;
      if (message !== undefined) {
        skipped.push({ file, inFolder, message });
        continue;
      }
      const place = absolutePath(file, { base: process.cwd(), home: homedir() });
      const model = modelFromGguf(place, taken, {
        engine: this.#engine,
        // Of a folder nobody knows how much of it is wanted; what is named, is.
        sleeps: inFolder,
      });
      taken.add(model.metadata.name);
      const key = `default/${model.metadata.name}`;
      models.push({ key, model, file, line: 1, weightsFile: await identityOf(file) });
    }
    return { models, skipped };
  }

  /** Empty where there is nothing to say, undefined for a model. */
  async #whyNot({ file, inFolder }: GivenFile): Promise<string | undefined> {
    const split = parseSplitName(file);
    if (inFolder && split !== undefined && split.part > 1) {
      const first = withPart(file, 1);
      const hasFirst = (await stat(first).catch(() => undefined)) !== undefined;
      if (hasFirst) return "";
      return `is not served: it is part ${split.part} of ${split.parts}, and ${path.basename(first)} is not there`;
    }
    const why = await this.#verdictOn(file);
    return why === undefined ? undefined : `is not served: ${why}`;
  }

  async #verdictOn(file: string): Promise<string | undefined> {
    const key = await identityOf(file);
    if (!this.#verdicts.has(key)) this.#verdicts.set(key, await whyNoModel(file));
    return this.#verdicts.get(key);
  }
}

/** Of a file and what is in it. */
async function identityOf(file: string): Promise<string> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined);
  return `${file} ${stats?.ino} ${stats?.size} ${stats?.mtimeNs}`;
}

async function real(file: string): Promise<string> {
  return realpath(file).catch(() => file);
}

/** Every file of this machine that a document names, all parts of split ones. */
function filesNamedBy(spec: LocalModelSpec): readonly string[] {
  const sources = [spec.source, spec.projector, spec.draft, ...(spec.adapters ?? [])];
  return sources
    .flatMap((source) => [source, ...(source?.mirrors ?? [])])
    .flatMap((source: MirrorSpec | undefined) => source?.file?.path ?? [])
    .flatMap(partsOf);
}

function partsOf(file: string): readonly string[] {
  const parts = Math.min(parseSplitName(file)?.parts ?? 1, 1000);
  return Array.from({ length: parts }, (_, index) => withPart(file, index + 1));
}
