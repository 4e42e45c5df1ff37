/**
 * The decision of a pass: what to write and what to take away, from what is asked for and what is there.
 *
 * Pure. Three cases, in this order:
 *   hold     the model cannot be served as it is written: what serves already is left alone
 *   inspect  nothing is known of its weights: an inspect pod finds out, what serves is left alone
 *   serve    everything else, suspended models included
 */
import { PERSISTENT_VOLUME_CLAIMS, PODS } from "@localmodel/kube/objects/core-resources.ts";
import { type KubeObject, keyOf } from "@localmodel/kube/objects/objects.ts";
import { apiVersionOf, type Resource } from "@localmodel/kube/objects/resource.ts";
import { desiredObjects, type DesiredObject } from "./desired.ts";
import { type KnownInspection, knownInspection, needsInspection } from "./inspection.ts";
import { type Model, wantedReplicas } from "../model/model.ts";
import { REVISION_ANNOTATION } from "../objects/metadata.ts";
import { podTemplate } from "../objects/pod-template.ts";
import type { Observed, OwnedObject } from "../model/observed.ts";
import type { Platform } from "../model/platform.ts";
import { roomFor } from "./room.ts";
import type { Problem } from "../status/problem.ts";
import { unsupported } from "./unsupported.ts";

export type Decision = {
  readonly kind: "hold" | "inspect" | "serve";
  readonly blocker?: Problem;
  readonly inspection?: KnownInspection;
  /** Of the pods that are asked for. */
  readonly revision?: string;
  readonly applies: readonly DesiredObject[];
  readonly deletes: readonly OwnedObject[];
  /** For a Deployment that otherwise stays as it is. */
  readonly scalesTo?: number;
  /** When to look again although nothing changes. */
  readonly againInMs?: number;
};

export function decide(
  model: Model,
  platform: Platform,
  observed: Observed,
  nowMs: number,
): Decision {
  const blocker = unsupported(model, platform);
  if (blocker !== undefined) return { kind: "hold", blocker, applies: [], deletes: [] };
  const inspection = knownInspection(model, observed);
  if (inspection === undefined && needsInspection(model)) {
    const applies = desiredObjects(model, platform, { phase: "inspect" });
    const deletes = unwanted(model, observed, applies);
    return { kind: "inspect", applies, deletes, ...rescaled(model, observed) };
  }
  return serving(model, platform, observed, { inspection, nowMs });
}

function serving(
  model: Model,
  platform: Platform,
  observed: Observed,
  { inspection, nowMs }: { readonly inspection: KnownInspection | undefined; nowMs: number },
): Decision {
  const template = podTemplate(model, platform, inspection);
  const revision = template.metadata.annotations[REVISION_ANNOTATION];
  const room = roomFor(revision, observed.pods, nowMs);
  const phase = { phase: "serve", template, makesRoom: room.needed } as const;
  const applies = desiredObjects(model, platform, phase);
  return {
    kind: "serve",
    ...(inspection && { inspection }),
    ...(revision !== undefined && { revision }),
    applies,
    deletes: unwanted(model, observed, applies),
    ...("inMs" in room && { againInMs: room.inMs }),
  };
}

/** All else goes with its LocalModel, so the operator needs no right to delete it. */
const DELETED: readonly Resource[] = [PERSISTENT_VOLUME_CLAIMS, PODS];

/** Only what belongs to this very LocalModel, and not to an earlier one of its name. */
function unwanted(
  { uid }: Model,
  { objects }: Observed,
  wanted: readonly DesiredObject[],
): readonly OwnedObject[] {
  const ids = new Set(wanted.map(({ resource, configuration }) => idOf(resource, configuration)));
  return objects.filter(
    ({ resource, object: { metadata } }) =>
      DELETED.includes(resource) &&
      !ids.has(idOf(resource, { metadata })) &&
      metadata.deletionTimestamp === undefined &&
      metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid),
  );
}

function rescaled(model: Model, { deployment }: Observed): Pick<Decision, "scalesTo"> {
  const wanted = wantedReplicas(model);
  const isAsked = deployment !== undefined && deployment.spec?.replicas !== wanted;
  return isAsked ? { scalesTo: wanted } : {};
}

function idOf(resource: Resource, { metadata }: Pick<KubeObject, "metadata">): string {
  return `${apiVersionOf(resource)}/${resource.plural}/${keyOf(metadata)}`;
}
