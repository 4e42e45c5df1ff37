/** What every route needs: the engine behind it, the configuration, and who may come in. */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import type { Places } from "./http/places.ts";
import type { Eyes } from "@localmodel/pictures/pictures.ts";
import type { Sleeper } from "./engine/process/sleeping-engine.ts";
import type { Engine } from "./engine/contract.ts";
import type { Watch } from "./watching/watcher.ts";
import type { PromptLog } from "./watching/prompt-log/prompt-log.ts";

export type Serving = {
  readonly engine: Engine;
  /** Of an engine that may leave memory. */
  readonly sleeper?: Sleeper | undefined;
  readonly config: ServerConfig;
  readonly places: Places;
  /** What looks at images before the engine does. */
  readonly eyes: Eyes;
  readonly log: Logger;
  readonly promptLog: PromptLog;
  /** Who may watch requests: traces, metrics, the prompt log. */
  readonly watches: readonly Watch[];
  /** Longest silence in a stream. */
  readonly keepAliveMs: number;
};
