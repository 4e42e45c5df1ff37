/** How requests are served: what clients see first, then why, from the API service down to the engine's slots. */
import type { Dashboard, Row } from "./grafana.ts";
import { perSecond, quantiles, sumBy } from "./promql.ts";

/** Each family of metrics has its own label for the model. */
const ROUTED = `localmodel_model=~"$model"`;
const GENERATED = `gen_ai_response_model=~"$model"`;
const ENGINE = `model_name=~"$model"`;

const REQUESTS = "http_server_request_duration_seconds_count";
const INFERENCE = `http_request_method="POST", http_route=~"/v1/.+"`;
/** Model servers have HTTP metrics too; this one only the API service has. */
const AT_API = "and on (instance) localmodel_endpoint_ejections_total";

const clients: Row = {
  title: "What clients see",
  panels: [
    {
      title: "Answers",
      about: "Of all models, by status. 429 and 503 come with a time to try again.",
      unit: "reqps",
      queries: [
        {
          expr: `sum by (http_response_status_code) (rate(${REQUESTS}{${INFERENCE}}[$__rate_interval]) ${AT_API})`,
          legend: "{{http_response_status_code}}",
        },
      ],
    },
    {
      title: "Time to the first token",
      about:
        "Of the model server: waiting for a slot and reading the prompt. A point leads to a trace.",
      unit: "s",
      queries: quantiles("gen_ai_server_time_to_first_token_seconds", GENERATED),
      exemplars: true,
    },
    {
      title: "Time for each further token",
      about: "How fast a stream goes on.",
      unit: "s",
      queries: quantiles("gen_ai_server_time_per_output_token_seconds", GENERATED),
      exemplars: true,
    },
  ],
};

const work: Row = {
  title: "What is done for them",
  panels: [
    {
      title: "Requests by model",
      about: "That model servers have ended.",
      unit: "reqps",
      queries: [
        {
          expr: perSecond(
            "gen_ai_server_request_duration_seconds_count",
            GENERATED,
            "gen_ai_response_model",
          ),
          legend: "{{gen_ai_response_model}}",
        },
      ],
    },
    {
      title: "Tokens",
      about: "Of prompts, of answers, and of prompts that were in a cache already.",
      unit: "ops",
      queries: [
        {
          expr: perSecond("gen_ai_client_token_usage_sum", GENERATED, "gen_ai_token_type"),
          legend: "{{gen_ai_token_type}}",
        },
        { expr: perSecond("localmodel_prompt_cached_tokens_total", ROUTED), legend: "cached" },
      ],
    },
    {
      title: "Duration of a request",
      about: "At the model server, to the last byte.",
      unit: "s",
      queries: quantiles("gen_ai_server_request_duration_seconds", GENERATED),
      exemplars: true,
    },
  ],
};

const waiting: Row = {
  title: "What they wait for",
  panels: [
    {
      title: "Waiting",
      about: "In the API service's queue, and for a slot of an engine.",
      unit: "short",
      queries: [
        { expr: `sum(localmodel_queue_depth{${ROUTED}} ${AT_API})`, legend: "API service" },
        { expr: `sum(vllm:num_requests_waiting{${ENGINE}})`, legend: "engines" },
      ],
    },
    {
      title: "Slots",
      about: "All busy for long: more slots or more replicas would serve sooner.",
      unit: "short",
      queries: [
        { expr: `sum(localmodel_slots{${ROUTED}})`, legend: "there are" },
        { expr: `sum(localmodel_slots_busy{${ROUTED}})`, legend: "busy" },
      ],
    },
    {
      title: "Context in use",
      about: "Share of all slots' contexts, of the fullest model server.",
      unit: "percentunit",
      queries: [
        {
          expr: `max by (model_name) (vllm:kv_cache_usage_perc{${ENGINE}})`,
          legend: "{{model_name}}",
        },
      ],
    },
  ],
};

const trouble: Row = {
  title: "What goes wrong",
  panels: [
    {
      title: "Attempts at model servers",
      about:
        "By status, or how they failed. Those that failed before an answer began are tried again.",
      unit: "ops",
      queries: [
        {
          expr: perSecond("localmodel_upstream_attempts_total", ROUTED, "outcome"),
          legend: "{{outcome}}",
        },
      ],
    },
    {
      title: "Refused by the API service",
      about: "By the code of its error.",
      unit: "ops",
      queries: [
        {
          expr: `sum by (reason) (rate(localmodel_rejects_total[$__rate_interval]) ${AT_API})`,
          legend: "{{reason}}",
        },
      ],
    },
    {
      title: "Engines",
      about:
        "By their state. An engine that dies is started again; the log of its pod says why it died.",
      unit: "short",
      queries: [
        { expr: sumBy("state", "localmodel_engine_state", ROUTED), legend: "{{state}}" },
        {
          expr: `sum(increase(localmodel_engine_restarts_total{${ROUTED}}[1h]))`,
          legend: "died within the hour",
        },
      ],
    },
  ],
};

const machines: Row = {
  title: "What it takes",
  panels: [
    {
      title: "Processors",
      about: "Busy ones, by process.",
      unit: "short",
      queries: [
        { expr: perSecond("process_cpu_seconds_total", "", "instance"), legend: "{{instance}}" },
      ],
    },
    {
      title: "Memory",
      about: "Of the processes that answer requests; models are beside it.",
      unit: "bytes",
      queries: [
        { expr: sumBy("instance", "process_resident_memory_bytes"), legend: "{{instance}}" },
      ],
    },
    {
      title: "Memory of models",
      about: "Weights and contexts, as the engine accounts for them.",
      unit: "bytes",
      queries: [
        {
          expr: sumBy("localmodel_model, kind", "localmodel_model_memory_bytes", ROUTED),
          legend: "{{localmodel_model}} {{kind}}",
        },
      ],
    },
  ],
};

export const SERVING: Dashboard = {
  uid: "localmodel-serving",
  title: "LocalModel / Serving",
  about: "Requests for models: how many, how fast, and what they wait for.",
  variables: [
    { name: "model", label: "Model", metric: "localmodel_model_endpoints", of: "localmodel_model" },
  ],
  rows: [clients, work, waiting, trouble, machines],
};
