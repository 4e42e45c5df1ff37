/** Which class a LocalModel has, and what older ones of the class and the namespace ask for. */
import type { ObjectCache } from "@localmodel/kube/cache/object-cache.ts";
import { DEFAULT_CLASS, LocalModelClassSpec } from "@localmodel/localmodel/resource/class-spec.ts";
import type { Asked, ClassFound } from "../model/model-class.ts";
import type { StoredModel } from "../model/local-model-resource.ts";
import { patchProblem } from "../objects/pod-patch-rules.ts";
import { quantityValue } from "../objects/quantities.ts";
import type { Caches } from "./caches.ts";

/** Read leniently: the name counts although something else in the spec may be wrong. */
function classNameOf({ spec }: StoredModel): string | undefined {
  const { className } = (spec ?? {}) as { readonly className?: unknown };
  return typeof className === "string" ? className : undefined;
}

export type KnownClasses = Pick<Caches, "classes" | "defaultClass">;

export function classOf(stored: StoredModel, { classes, defaultClass }: KnownClasses): ClassFound {
  const named = classNameOf(stored);
  const name = named ?? DEFAULT_CLASS;
  const found = classes?.cache.get(name);
  if (found === undefined) {
    if (name === DEFAULT_CLASS && defaultClass !== undefined) return checked(name, defaultClass);
    if (named === undefined) return { kind: "none" };
    const why =
      classes === undefined ? "an operator with watchNamespaces knows no classes" : "make it";
    return { kind: "missing", name, why: `There is no LocalModelClass "${name}": ${why}.` };
  }
  const read = LocalModelClassSpec.safeParse(found.spec);
  if (read.success) return checked(name, read.data);
  const [issue] = read.error.issues;
  return unusable(name, `spec.${issue?.path.join(".")} ${issue?.message}`);
}

/** What no schema can say of it. */
function checked(name: string, spec: LocalModelClassSpec): ClassFound {
  const problem = spec.podTemplatePatch && patchProblem(spec.podTemplatePatch.spec);
  return problem === undefined ? { kind: "found", name, spec } : unusable(name, `spec.${problem}`);
}

function unusable(name: string, why: string): ClassFound {
  const message = `The LocalModelClass "${name}" cannot be used: ${why}.`;
  return { kind: "missing", name, why: message };
}

export function modelsOfClass(name: string, { modelCaches }: Pick<Caches, "modelCaches">) {
  return modelCaches
    .flatMap((cache) => cache.list())
    .filter((model) => (classNameOf(model) ?? DEFAULT_CLASS) === name);
}

export function askedBefore(
  stored: StoredModel,
  caches: readonly ObjectCache<StoredModel>[],
): { readonly before: Asked; readonly own: Asked } {
  const of = classNameOf(stored) ?? DEFAULT_CLASS;
  const older = caches
    .flatMap((cache) => cache.list())
    .filter(
      (one) =>
        one.metadata.namespace === stored.metadata.namespace &&
        (classNameOf(one) ?? DEFAULT_CLASS) === of &&
        ageOf(one) < ageOf(stored),
    )
    .map(askedBy);
  return {
    before: {
      replicas: older.reduce((sum, { replicas }) => sum + replicas, 0),
      devices: older.reduce((sum, { devices }) => sum + devices, 0),
      deviceMemory: older.reduce((sum, { deviceMemory }) => sum + deviceMemory, 0),
    },
    own: askedBy(stored),
  };
}

/** Equal ages are decided by name. */
function ageOf({ metadata }: StoredModel): string {
  return `${metadata.creationTimestamp ?? ""} ${metadata.name}`;
}

/** With the defaults of the definition, which the API server has filled in. One that scales may have all that it may. */
function askedBy({ spec }: StoredModel): Asked {
  const {
    replicas: fixed = 1,
    gpu,
    scaling,
  } = (spec ?? {}) as {
    readonly replicas?: number;
    readonly scaling?: { readonly maxReplicas?: number };
    readonly gpu?: { readonly count?: number; readonly memory?: string | number };
  };
  const replicas = fixed === 0 ? 0 : (scaling?.maxReplicas ?? fixed);
  const devices = gpu === undefined ? 0 : replicas * (gpu.count ?? 1);
  // Of one that does not say it nothing is counted, and where it counts it is refused.
  return { replicas, devices, deviceMemory: devices * quantityValue(String(gpu?.memory ?? 0)) };
}
