/**
 * The documents as this machine goes by them: read again as a whole at every change.
 *
 * It remembers two things that no single reading knows: since when each model is there, which decides who
 * keeps an id, and how a model was before its document became invalid.
 */
import { existsSync } from "node:fs";
import { formatProblem } from "@localmodel/localmodel/documents/problem.ts";
import { readDocuments } from "@localmodel/localmodel/documents/read-documents.ts";
import { type BareEngine, BareWeights } from "./bare-weights.ts";
import {
  type Conflict,
  type DesiredModel,
  desiredState,
  type FoundModel,
  keepLastGood,
} from "../desired/desired.ts";
import { asleepInFolder } from "./asleep-in-folder.ts";
import { permitted } from "./permitted.ts";
import { optionOf } from "./engine-options.ts";
import { unusedFields } from "../processes/server-start.ts";

type Reading = {
  readonly models: readonly DesiredModel[];
  /** What people should know that they have not been told yet. */
  readonly notes: readonly string[];
  /** Whether anything was wrong with a document. */
  readonly hasProblems: boolean;
};

type DocumentOptions = {
  readonly engine?: BareEngine;
  readonly allowedVariables?: readonly string[];
};

export class DocumentSet {
  readonly #paths: readonly string[];
  readonly #engine: BareEngine;
  readonly #weights: BareWeights;
  readonly #allowedVariables: readonly string[];
  readonly #seenMs = new Map<string, number>();
  #documented: readonly FoundModel[] = [];
  #bare: readonly FoundModel[] = [];
  #told = new Set<string>();

  /** `engine` is for weights without a document, `allowedVariables` for `spec.env` of those with one. */
  constructor(
    paths: readonly string[],
    { engine = {}, allowedVariables = [] }: DocumentOptions = {},
  ) {
    this.#paths = paths;
    this.#allowedVariables = allowedVariables;
    this.#engine = engine;
    this.#weights = new BareWeights(engine);
  }

  async read(): Promise<Reading> {
    const read = permitted(await readDocuments(this.#paths), this.#allowedVariables);
    const wanted = { ...read, models: read.models.map(asleepInFolder) };
    this.#documented = keepLastGood(this.#documented, wanted, existsSync);
    const { models: bare, skipped } = await this.#weights.read(read.weights, this.#documented);
    this.#bare = keepLastGood(this.#bare, { models: bare, problems: skipped }, existsSync);
    this.#remember(Date.now());
    const { models, conflicts } = desiredState(this.#models(), this.#seenMs);
    // A folder may hold anything; a file that was asked for by name is meant to be a model.
    const problems = [...read.problems, ...skipped.filter((one) => !one.inFolder)];
    const notes = this.#untold([
      ...problems.map(formatProblem),
      ...skipped.filter((one) => one.inFolder).map(formatProblem),
      ...conflicts.map(conflictLine),
      ...models.flatMap(unusedLines),
      ...this.#unusedOptions(),
    ]);
    return { models, notes, hasProblems: problems.length > 0 };
  }

  #models(): readonly FoundModel[] {
    return [...this.#documented, ...this.#bare];
  }

  #unusedOptions(): readonly string[] {
    if (this.#bare.length > 0 || this.#documented.length === 0) return [];
    return Object.keys(this.#engine).map(
      (field) =>
        `${optionOf(field)} has no effect: it is for weights without a document, and the document has spec.engine.${field}`,
    );
  }

  #remember(nowMs: number): void {
    const keys = new Set(this.#models().map((model) => model.key));
    for (const key of this.#seenMs.keys()) if (!keys.has(key)) this.#seenMs.delete(key);
    for (const key of keys) if (!this.#seenMs.has(key)) this.#seenMs.set(key, nowMs);
  }

  /** A problem is told once, and again when it comes back. */
  #untold(notes: readonly string[]): readonly string[] {
    const fresh = notes.filter((note) => !this.#told.has(note));
    this.#told = new Set(notes);
    return fresh;
  }
}

function conflictLine({ key, lost }: Conflict): string {
  return `${nameOf(key)}: does not get the id "${lost.id}", which ${nameOf(lost.holder)} had before`;
}

function unusedLines(model: DesiredModel): readonly string[] {
  return unusedFields(model).map((field) => `${model.name}: ${field} has no effect in local mode`);
}

/** The namespace says something only when it is not the usual one. */
function nameOf(key: string): string {
  return key.startsWith("default/") ? key.slice("default/".length) : key;
}
