/** How many LocalModels there are, by what their Ready condition says: reasons are few, and never names of models. */
import type { MetricRegistry, Point } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Caches } from "./observe/caches.ts";
import type { StoredModel } from "./model/local-model-resource.ts";

export function observeModels(registry: MetricRegistry, caches: Caches): void {
  registry
    .gauge(
      "localmodel_models_accelerated",
      "LocalModels that ask for devices, by the status and reason of their condition Accelerated.",
    )
    .observeAll(() => countAccelerated(caches.modelCaches.flatMap((cache) => cache.list())));
  registry
    .gauge("localmodel_models", "LocalModels by the reason of their Ready condition.")
    .observeAll(() => countByReason(caches.modelCaches.flatMap((cache) => cache.list())));
}

function* countByReason(models: readonly StoredModel[]): Iterable<Point<number>> {
  for (const [reason, those] of Map.groupBy(models, reasonOf)) {
    yield { labels: { reason }, value: those.length };
  }
}

function* countAccelerated(models: readonly StoredModel[]): Iterable<Point<number>> {
  const conditions = models.flatMap((model) => conditionOf(model, "Accelerated") ?? []);
  const groups = Map.groupBy(conditions, ({ status, reason }) => `${status} ${reason}`);
  for (const those of groups.values()) {
    for (const { status, reason } of those.slice(0, 1)) {
      yield { labels: { status, reason }, value: those.length };
    }
  }
}

function reasonOf(model: StoredModel): string {
  return conditionOf(model, "Ready")?.reason ?? "Unknown";
}

function conditionOf({ status }: StoredModel, type: string): Condition | undefined {
  const conditions = (status as { conditions?: readonly Condition[] } | undefined)?.conditions;
  return conditions?.find((condition) => condition.type === type);
}

type Condition = { readonly type: string; readonly status: string; readonly reason: string };
