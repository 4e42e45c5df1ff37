/** Is this the model that the client means, and can it do what is asked? */
import { adapterIdsOf } from "@localmodel/localmodel/resource/adapters.ts";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import type { ImageInput } from "@localmodel/inference/image-input.ts";
import type { SoundInput } from "@localmodel/inference/sound-input.ts";
import {
  invalidRequest,
  lacksCapability,
  modelDoesNotHear,
  modelNotFound,
  modelNotMultimodal,
} from "@localmodel/inference/refusals.ts";
import { foundByName } from "@localmodel/ollama/default-tag.ts";
import { answersTo } from "@localmodel/openai/answers/models.ts";

export type Served = {
  /** What answers call themselves. */
  readonly modelId: string;
  /** The adapter that was asked for, which is its id. */
  readonly adapter?: string;
};

type Names = Pick<ServerConfig, "modelId" | "aliases" | "adapters">;

/** There is exactly one model here, so a request that names none, or an empty one, means this one. */
export function requireModel(
  requested: string | undefined,
  { modelId, aliases, adapters }: Names,
): Served {
  if (!requested) return { modelId };
  const adapterIds = adapterIdsOf({ adapters });
  const served = foundByName(requested, (name): Served | undefined => {
    if (answersTo({ id: modelId, aliases }, name)) return { modelId };
    return adapterIds.includes(name) ? { modelId: name, adapter: name } : undefined;
  });
  if (served !== undefined) return served;
  throw modelNotFound(requested, [modelId, ...aliases, ...adapterIds]);
}

export function requireCapability(
  capability: string | undefined,
  facts: ModelFacts,
  modelId: string,
): void {
  const able: readonly string[] = facts.capabilities;
  if (capability === undefined || able.includes(capability)) return;
  const problem = capability === "chat" ? facts.chatProblem : undefined;
  const why = problem === undefined ? "" : ` ${problem}`;
  throw lacksCapability(modelId, capability, able, why);
}

/** `suffix` is the parameter to name: the model is fine for everything else. */
export function requireInfill(facts: ModelFacts): void {
  if (facts.capabilities.includes("infill")) return;
  throw invalidRequest(
    "suffix",
    "This model has no tokens for infilling, so 'suffix' is not supported.",
    "unsupported_parameter",
  );
}

/** Refuses the first image where the model looks at none. */
export function requireVision(
  [first]: readonly ImageInput[],
  { capabilities }: ModelFacts,
  { modelId }: Served,
  others: readonly string[] = [],
): void {
  if (first === undefined || capabilities.includes("vision")) return;
  throw modelNotMultimodal(first.field, modelId, others);
}

/** Refuses the first sound where the model hears none. */
export function requireHearing(
  [first]: readonly SoundInput[],
  { capabilities }: ModelFacts,
  { modelId }: Served,
  others: readonly string[] = [],
): void {
  if (first === undefined || capabilities.includes("audio")) return;
  throw modelDoesNotHear(first.field, modelId, others);
}
