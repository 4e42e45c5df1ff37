/** All models of an operator, as far as their Deployments tell how an upgrade of their pods goes. */
import type { Deployment } from "@localmodel/kube/objects/core-resources.ts";

/**
 * On a Deployment: what the platform's part of its pods is, what the author's (spec-digest.ts), which generation of the
 * LocalModel they are of, and why they were made.
 */
export const PLATFORM_ANNOTATION = "localmodel.dev/platform";
export const SPEC_ANNOTATION = "localmodel.dev/spec";
export const GENERATION_ANNOTATION = "localmodel.dev/generation";
export const ROLLED_FOR_ANNOTATION = "localmodel.dev/rolled-for";
/** The other reason is that the LocalModel has changed, which nobody has to be told. */
export const UPGRADE = "upgrade";

export type FleetMember = {
  /** Of the LocalModel. */
  readonly key: string;
  readonly platform: string | undefined;
  /** Whether its latest roll was an upgrade of the platform. */
  readonly isUpgrade: boolean;
  /** All its pods are of its latest revision, and ready. */
  readonly isComplete: boolean;
  readonly serves: boolean;
  /** Some of its latest revision do. */
  readonly updatedServes: boolean;
  /** Its pods stay as they are until its author says otherwise. */
  readonly isPaused: boolean;
  /** What is missing of its pods finds no node, and nothing that the operator does changes that. */
  readonly isStuck: boolean;
  /** What its pods are to follow; absent: not known yet. */
  readonly aim?: Aim;
};

/** Nothing: what is wrong with the model, or its author, keeps its pods as they are. */
export type Aim = "nothing" | { readonly platform: string };

/** As far as a Deployment alone tells. */
export function memberOf(key: string, deployment: Deployment): FleetMember {
  const { [PLATFORM_ANNOTATION]: platform, [ROLLED_FOR_ANNOTATION]: reason } =
    deployment.metadata.annotations ?? {};
  const serves = (deployment.status?.availableReplicas ?? 0) > 0;
  return {
    key,
    platform,
    isUpgrade: reason === UPGRADE,
    isComplete: isComplete(deployment),
    serves,
    updatedServes: serves && isComplete(deployment),
    isPaused: deployment.spec?.paused === true,
    isStuck: false,
  };
}

export function isComplete({ metadata, spec, status = {} }: Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (status.updatedReplicas ?? 0) >= wanted &&
    (status.replicas ?? 0) <= wanted &&
    (status.availableReplicas ?? 0) >= wanted
  );
}
