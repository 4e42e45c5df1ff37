/** What the headers of a model's files say, asked until there is an answer. */
import type { FetchConfig } from "@localmodel/localmodel/contracts/fetch-config.ts";
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { inspectWeights } from "@localmodel/weights/inspect-weights.ts";
import type { GgufValues } from "@localmodel/weights/gguf/gguf-header.ts";
import { WeightsError } from "@localmodel/weights/source/weights-error.ts";
import type { FetchHooks } from "./fetch-files.ts";
import { type InspectedWeights, inspectionOf } from "@localmodel/weights/gguf/inspection-of.ts";
import { DRAFT_ROLE, PROJECTOR_ROLE } from "@localmodel/localmodel/cluster/pod-layout.ts";
import { draftProblem } from "./draft-problem.ts";
import { persistently } from "./persistently.ts";
import { projectorProblem } from "./projector-problem.ts";
import { secretCredentials } from "./secret-credentials.ts";

export async function inspectFiles(config: FetchConfig, hooks: FetchHooks): Promise<Inspection> {
  let weights: InspectedWeights | undefined;
  let furtherBytes = 0;
  let projector: GgufValues | undefined;
  let draft: GgufValues | undefined;
  for (const { role, source } of config.files) {
    const inspected = await persistently(
      () =>
        inspectWeights(source, {
          environment: hooks.environment,
          ...(config.sourceHosts !== undefined && { sourceHosts: config.sourceHosts }),
          credentialsFor: secretCredentials(role, hooks.environment),
        }),
      (message, reason) => {
        hooks.log.warn(message, { role, reason });
        hooks.board.waits(message, reason);
      },
    );
    if (weights === undefined) {
      weights = inspected;
      continue;
    }
    furtherBytes += inspected.sizeBytes;
    if (role === DRAFT_ROLE) {
      draft = inspected.values;
      const problem = draftProblem(weights.values, draft);
      if (problem !== undefined) throw new WeightsError("InvalidSource", problem);
    }
    if (role !== PROJECTOR_ROLE) continue;
    projector = inspected.values;
    const problem = projectorProblem(weights.values, inspected);
    if (problem !== undefined) throw new WeightsError("InvalidSource", problem);
  }
  if (weights === undefined) throw new WeightsError("InvalidSource", "there are no weights");
  return inspectionOf(weights, { bytes: furtherBytes, projector, draft });
}
