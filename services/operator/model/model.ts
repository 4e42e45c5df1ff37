/**
 * A LocalModel as everything here works with it: read once, checked, with the ids it may answer to.
 *
 * Objects are read leniently where nothing depends on it (metadata) and strictly where it does (spec): a
 * spec that this version cannot read is reported, and what runs is left alone.
 */
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import type { Claim } from "@localmodel/localmodel/resource/claims.ts";
import { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import { fieldName } from "@localmodel/localmodel/documents/problem.ts";

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
  /** What clients are meant to send. */
  readonly modelId: string;
  readonly claim: Pick<Claim, "held" | "lost">;
};

type Spec = { readonly spec: LocalModelSpec } | { readonly problem: string };

/** How many things at most are said to be wrong at once. */
const ISSUES_MAX = 5;

export function identityOf({ metadata }: KubeObject): Identity {
  const { namespace = "", name, uid = "", generation = 0, creationTimestamp, labels } = metadata;
  const createdMs = Date.parse(creationTimestamp ?? "");
  const createdSeconds = Number.isNaN(createdMs) ? 0 : Math.max(0, Math.floor(createdMs / 1000));
  return { namespace, name, uid, generation, createdSeconds, labels: labels ?? {} };
}

export function readSpec(spec: unknown): Spec {
  const result = LocalModelSpec.safeParse(spec);
  if (result.success) return { spec: result.data };
  const issues = result.error.issues.map(
    ({ path, message }) => `${fieldName(["spec", ...path])}: ${message}`,
  );
  const more = issues.length > ISSUES_MAX ? [`and ${issues.length - ISSUES_MAX} more`] : [];
  return { problem: [...issues.slice(0, ISSUES_MAX), ...more].join("; ") };
}

/** Pods there should be: a model that nobody can ask for is as good as suspended. */
export function wantedReplicas({ spec, claim }: Model): number {
  return claim.held.length === 0 ? 0 : spec.replicas;
}
