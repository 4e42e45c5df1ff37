/**
 * Gauges of the engine: its state, its slots, and what they hold, also under the five names of vLLM's that the
 * Gateway API Inference Extension and autoscalers know.
 */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { ModelFacts, ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import type { Engine } from "../../engine/contract.ts";
import type { ServerMetrics } from "./server-metrics.ts";

const STATES = ["loading", "ready", "asleep", "restarting", "draining", "failed"] as const;

export function observeEngine(
  metrics: ServerMetrics,
  engine: Pick<Engine, "state" | "onState" | "threads">,
  config: ServerConfig,
): void {
  observeState(metrics, engine);
  const { registry, model, occupancy } = metrics;
  const gauge = (name: string, help: string, read: () => number): void =>
    registry.gauge(name, help).observe(model, read);
  const facts = (): ModelFacts | undefined =>
    engine.state.state === "ready" ? engine.state.model : undefined;
  const slots = (): number => facts()?.slots ?? 0;
  const contextTokens = (): number => slots() * (facts()?.contextTokens ?? 0);
  const usage = (): number => {
    const total = contextTokens();
    return total === 0 ? 0 : Math.min(1, occupancy.tokens / total);
  };
  gauge("localmodel.slots", "Requests that the engine works on at the same time.", slots);
  gauge("localmodel.slots.busy", "Slots that are held by a choice.", () => occupancy.running);
  gauge("localmodel.queue.depth", "Choices that wait for a slot.", () => occupancy.waiting);
  gauge("localmodel.context.usage", "Share of all slots' contexts that is in use.", usage);
  const threads = registry.gauge("localmodel.engine.threads", "Threads of a step.");
  for (const kind of ["prompt", "answer"] as const) {
    threads.observe({ ...model, kind }, () => engine.threads[kind]);
  }
  const bytes = registry.gauge("localmodel.model.memory", "Memory that the model takes.", {
    unit: "By",
  });
  for (const kind of ["ram", "vram"] as const) {
    bytes.observe({ ...model, kind }, () => facts()?.memoryBytes[kind] ?? 0);
  }
  const layers = registry.gauge(
    "localmodel.model.layers",
    "Layers of the model, by where they are.",
  );
  const onDevices = (): number => facts()?.offloaded?.layers ?? 0;
  layers.observe({ ...model, kind: "vram" }, onDevices);
  layers.observe({ ...model, kind: "ram" }, () =>
    Math.max(0, (facts()?.offloaded?.ofLayers ?? 0) - onDevices()),
  );
  observeAsVllm(metrics, { usage, contextTokens, config });
}

type Readings = {
  readonly usage: () => number;
  readonly contextTokens: () => number;
  readonly config: ServerConfig;
};

function observeAsVllm(
  { registry, occupancy }: ServerMetrics,
  { usage, contextTokens, config }: Readings,
): void {
  const labels = { model_name: config.modelId, engine: "0" };
  const gauge = (name: string, help: string, read: () => number): void =>
    registry.gauge(`vllm:${name}`, help).observe(labels, read);
  gauge("num_requests_running", "Number of requests in model execution batches.", () => {
    return occupancy.running;
  });
  gauge("num_requests_waiting", "Number of requests waiting to be processed.", () => {
    return occupancy.waiting;
  });
  gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", usage);
  // This engine's cache has no blocks: each is one token.
  const cache = registry.gauge("vllm:cache_config_info", "Information of the cache configuration.");
  cache.observeAll(() => {
    const info = { block_size: "1", num_gpu_blocks: String(contextTokens()) };
    return [{ labels: { ...labels, ...info }, value: 1 }];
  });
  const adapters = config.adapters.length;
  const names = config.adapters.map(({ id }, index) => id ?? `adapter-${index}`).join(",");
  const lora = { max_lora: String(adapters), running_lora_adapters: names };
  registry
    .gauge("vllm:lora_requests_info", "Running stats on lora requests.")
    .observe({ ...labels, ...lora, waiting_lora_adapters: "" }, () => Date.now() / 1000);
}

function observeState(
  { registry, model }: ServerMetrics,
  engine: Pick<Engine, "state" | "onState">,
): void {
  const states = registry.gauge(
    "localmodel.engine.state",
    "1 for the state that the engine is in.",
  );
  states.observeAll(() =>
    STATES.map((state) => ({
      labels: { ...model, state },
      value: engine.state.state === state ? 1 : 0,
    })),
  );
  const restarts = registry.counter("localmodel.engine.restarts", "Times that the engine died.");
  const loads = registry.counter("localmodel.engine.loads", "Times that the model was loaded.");
  const loading = registry.gauge(
    "localmodel.engine.load.duration",
    "Time that the last load took.",
    { unit: "s" },
  );
  restarts.add(model, 0);
  loads.add(model, 0);
  let sinceMs = performance.now();
  // A small model may be loaded before this process is.
  if (engine.state.state === "ready") loads.add(model);
  engine.onState((now: ServerState) => {
    const { state } = now;
    // The first of a wake is told before anything has been loaded.
    const begins = state === "restarting" || (state === "asleep" && now.progress === 0);
    if (begins) sinceMs = performance.now();
    if (state === "restarting") restarts.add(model);
    if (state !== "ready") return;
    loads.add(model);
    loading.set(model, (performance.now() - sinceMs) / 1000);
  });
}
