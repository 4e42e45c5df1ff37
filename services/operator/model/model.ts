/**
 * A LocalModel as everything here works with it: read once, checked, with the ids it may answer to.
 *
 * Objects are read leniently where nothing depends on it (metadata) and strictly where it does (spec): a
 * spec that this version cannot read is reported, and what runs is left alone. Fields that it does not know come from a
 * newer definition, because the API server stores no others: they are left out, and Ready says so.
 */
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import type { Claim } from "@localmodel/localmodel/resource/claims.ts";
import { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import type { z } from "zod";
import { fieldName } from "@localmodel/localmodel/documents/problem.ts";
import type { Scale } from "./scale.ts";

export type Identity = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly createdSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
};

export type Model = Identity & {
  readonly spec: LocalModelSpec;
  /** Stands for what its author has written of its pods. */
  readonly specDigest?: string;
  /** What clients are meant to send. */
  readonly modelId: string;
  readonly claim: Pick<Claim, "held" | "lost">;
  /** Ids that it claims: those that it may have, and those that its class does not let it have. */
  readonly allowedIds?: readonly string[];
  readonly refusedIds?: readonly string[];
  /** Fields of the spec that this version does not know. */
  readonly ignored?: readonly string[];
  /** As many as the quota of its class leaves it; absent: all that are asked for. */
  readonly roomForReplicas?: number;
  /** Of a model with `spec.scaling` that is not suspended, once it is known. */
  readonly scale?: Scale;
};

type Spec =
  | { readonly spec: LocalModelSpec; readonly ignored: readonly string[] }
  | { readonly problem: string };

/** How many things at most are said to be wrong at once. */
const ISSUES_MAX = 5;

export function identityOf({ metadata }: KubeObject): Identity {
  const { namespace = "", name, uid = "", generation = 0, creationTimestamp, labels } = metadata;
  const createdMs = Date.parse(creationTimestamp ?? "");
  const createdSeconds = Number.isNaN(createdMs) ? 0 : Math.max(0, Math.floor(createdMs / 1000));
  return { namespace, name, uid, generation, createdSeconds, labels: labels ?? {} };
}

export function readSpec(spec: unknown): Spec {
  const strict = LocalModelSpec.safeParse(spec);
  if (strict.success) return { spec: strict.data, ignored: [] };
  const unknown = unknownFields(strict.error);
  const result = unknown.length === 0 ? strict : LocalModelSpec.safeParse(without(spec, unknown));
  if (result.success) {
    return { spec: result.data, ignored: unknown.map((path) => fieldName(["spec", ...path])) };
  }
  const issues = result.error.issues.map(
    ({ path, message }) => `${fieldName(["spec", ...path])}: ${message}`,
  );
  const more = issues.length > ISSUES_MAX ? [`and ${issues.length - ISSUES_MAX} more`] : [];
  return { problem: [...issues.slice(0, ISSUES_MAX), ...more].join("; ") };
}

type Path = readonly PropertyKey[];

function unknownFields({ issues }: z.ZodError): readonly Path[] {
  return issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [],
  );
}

function without(spec: unknown, paths: readonly Path[]): unknown {
  const copy = structuredClone(spec);
  for (const path of paths) {
    const parent = path
      .slice(0, -1)
      .reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown>)[part], copy);
    delete (parent as Record<PropertyKey, unknown>)[path.at(-1) ?? ""];
  }
  return copy;
}

/** A model that nobody can ask for is as good as suspended. */
export function isSuspended({ spec, claim }: Pick<Model, "spec" | "claim">): boolean {
  return claim.held.length === 0 || spec.replicas === 0;
}

/** Pods there should be. */
export function wantedReplicas(model: Model): number {
  return Math.min(askedReplicas(model), model.roomForReplicas ?? Number.POSITIVE_INFINITY);
}

/** Pods there should be, had the class of the model no quota. */
export function askedReplicas({ scale, ...model }: Model): number {
  if (isSuspended(model)) return 0;
  return scale?.desired ?? model.spec.replicas;
}

/** None is wanted, and it is well so. */
export function isAsleep(model: Model): boolean {
  return model.scale?.desired === 0 && !isSuspended(model);
}
