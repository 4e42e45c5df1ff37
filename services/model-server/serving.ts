/** What every route needs: the engine behind it, the configuration, and who may come in. */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { Logger } from "@localmodel/service/log.ts";
import type { Admission } from "./http/admission.ts";
import type { Engine } from "./engine/contract.ts";
import type { ServerMetrics } from "./watching/metrics/server-metrics.ts";
import type { GenAiConventions } from "./watching/tracing/gen-ai.ts";
import type { PromptLog } from "./watching/prompt-log/prompt-log.ts";

export type Serving = {
  readonly engine: Engine;
  readonly config: ServerConfig;
  readonly admission: Admission;
  readonly log: Logger;
  readonly promptLog: PromptLog;
  readonly genAi: GenAiConventions;
  /** Undefined when nobody reads them. */
  readonly metrics: ServerMetrics | undefined;
  /** Longest silence in a stream. */
  readonly keepAliveMs: number;
};
