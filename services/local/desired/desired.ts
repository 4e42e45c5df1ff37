/**
 * What should run, derived from the documents: pure, and made anew from all of them at every change.
 *
 * A revision stands for everything a model server is started with. Two documents with the same revision
 * need no restart; any other difference does, because a server takes its settings only once.
 */
import { createHash } from "node:crypto";
import { adapterIdsOf } from "@localmodel/localmodel/resource/adapters.ts";
import {
  type Claim,
  type Claimant,
  claims,
  type Lost,
  sharesOf,
} from "@localmodel/localmodel/resource/claims.ts";
import type { ParsedModel } from "@localmodel/localmodel/documents/judge-document.ts";
import { type LocalModel, modelIdOf } from "@localmodel/localmodel/resource/localmodel.ts";
import type { Problem } from "@localmodel/localmodel/documents/problem.ts";

export type DesiredModel = {
  /** `namespace/name`: who it is, whatever its document says otherwise. */
  readonly key: string;
  readonly name: string;
  readonly file: string;
  /** What clients may call it, the model id first. */
  readonly ids: readonly string[];
  /** What clients may call those of its adapters that they choose. */
  readonly adapterIds: readonly string[];
  readonly revision: string;
  readonly createdSeconds: number;
  readonly spec: LocalModel["spec"];
  /** Of a model that sleeps while nobody asks for it: how long it stays loaded then. */
  readonly idleSeconds?: number;
  /** Of a model that sleeps: the longest wait for it to be loaded. */
  readonly activationTimeoutSeconds?: number;
};

/** A model as this machine finds it. */
export type FoundModel = ParsedModel & {
  /** Of weights without a document: what tells the file from another of its name. */
  readonly weightsFile?: string;
};

export type Conflict = { readonly key: string; readonly lost: Lost };

type Desired = {
  readonly models: readonly DesiredModel[];
  /** Ids that a model does not get, because an older one has them. */
  readonly conflicts: readonly Conflict[];
};

/** `seenMs` says since when each key is known. */
export function desiredState(
  parsed: readonly FoundModel[],
  seenMs: ReadonlyMap<string, number>,
): Desired {
  const claimants = parsed.map((one) => claimant(one, seenMs));
  const claimed = claims(claimants);
  return {
    models: parsed.flatMap((one, index) => {
      const { held = [] } = claimed[index] ?? {};
      return desiredModel(one, { held }, seenMs);
    }),
    conflicts: claimed.flatMap(({ key, lost }) => lost.map((one) => ({ key, lost: one }))),
  };
}

function claimant({ key, model }: ParsedModel, seenMs: ReadonlyMap<string, number>): Claimant {
  return { key, ...namesOf(model), createdMs: createdMsOf(model) ?? seenMs.get(key) ?? Infinity };
}

function namesOf(model: LocalModel) {
  const { spec } = model;
  return { modelId: modelIdOf(model), aliases: spec.aliases, adapterIds: adapterIdsOf(spec) };
}

/** None for a model that is suspended or has lost all its ids. */
function desiredModel(
  { key, model, file, weightsFile }: FoundModel,
  claim: Pick<Claim, "held">,
  seenMs: ReadonlyMap<string, number>,
): DesiredModel[] {
  const { spec } = model;
  if (spec.replicas === 0 || claim.held.length === 0) return [];
  const shares = sharesOf(namesOf(model), claim);
  const createdMs = createdMsOf(model) ?? seenMs.get(key) ?? 0;
  const createdSeconds = Math.max(0, Math.floor(createdMs / 1000));
  const { source, projector, draft, adapters, engine, sampling, env } = spec;
  const sleep = sleepOf(spec);
  const started = { source, projector, draft, adapters, engine, sampling, env, ...sleep };
  const revision = digest({ ids: shares.ids, weightsFile, ...started });
  const name = model.metadata.name;
  return [{ key, name, file, ...shares, revision, createdSeconds, spec, ...sleep }];
}

/** Nothing for a model that stays loaded. */
function sleepOf({ scaling }: LocalModel["spec"]) {
  if (scaling === undefined || scaling.minReplicas > 0) return {};
  const { idleSeconds, activationTimeoutSeconds } = scaling;
  return { idleSeconds, activationTimeoutSeconds };
}

/** Objects that came from a cluster bring their age. */
function createdMsOf(model: LocalModel): number | undefined {
  const createdMs = Date.parse(model.metadata.creationTimestamp ?? "");
  return Number.isNaN(createdMs) ? undefined : createdMs;
}

function digest(value: object): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex")
    .slice(0, 16);
}

/** The order of keys in a document means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, sorted(field)]));
}

/**
 * The models to go by after the documents were read again: a model whose document has become invalid
 * stays as it was, until the document is valid or its file is gone.
 */
export function keepLastGood(
  before: readonly FoundModel[],
  read: { readonly models: readonly FoundModel[]; readonly problems: readonly Problem[] },
  exists: (file: string) => boolean,
): readonly FoundModel[] {
  const broken = new Set(read.problems.map((problem) => problem.file));
  const keys = new Set(read.models.map((model) => model.key));
  const kept = before.filter(({ key, file }) => !keys.has(key) && broken.has(file) && exists(file));
  return [...read.models, ...kept];
}
