/**
 * What the API service counts. Models are named by the ids of models that exist, never by what clients ask for, and
 * clients and keys are not named at all: the number of series is that of models.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { Labels, MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Span } from "@localmodel/telemetry/spans/span.ts";
import { WAIT_SECONDS } from "@localmodel/telemetry/metrics/wait-seconds.ts";
import type { Admission } from "../admission/admission.ts";
import type { Verdict } from "../balancing/outliers.ts";
import type { ModelDirectory } from "../directory/model-directory.ts";

export class ApiMetrics {
  readonly #registry: MetricRegistry;
  readonly #waits;
  readonly #wakes;
  readonly #attempts;
  readonly #retries;
  readonly #rejects;
  readonly #ejections;

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    this.#waits = registry.histogram(
      "localmodel.queue.wait",
      "Time that requests waited for a place at a model server.",
      WAIT_SECONDS,
      { unit: "s" },
    );
    this.#wakes = registry.histogram(
      "localmodel.wake.wait",
      "Time that requests waited for a model that was asleep when they came, until they were let in or refused.",
      WAIT_SECONDS,
      { unit: "s" },
    );
    this.#attempts = registry.counter(
      "localmodel.upstream.attempts",
      "Attempts at model servers, by what came of them: a status, or how they failed.",
    );
    this.#retries = registry.counter(
      "localmodel.upstream.retries",
      "Attempts after a failed one of the same request, by how that failed.",
    );
    this.#rejects = registry.counter(
      "localmodel.rejects",
      "Requests that the API service answered with an error of its own, by its code.",
    );
    this.#ejections = registry.counter(
      "localmodel.endpoint.ejections",
      "Times that an endpoint was left alone for a while because it failed.",
    );
    this.#ejections.add({ reason: "failure" }, 0);
    this.#ejections.add({ reason: "unreachable" }, 0);
  }

  waited(model: string, seconds: number, span: Span | undefined): void {
    this.#waits.observe(of(model), seconds, span);
  }

  wokeAfter(model: string, seconds: number, span: Span | undefined): void {
    this.#wakes.observe(of(model), seconds, span);
  }

  attempted(model: string, outcome: string): void {
    this.#attempts.add({ ...of(model), outcome });
  }

  retried(model: string, reason: string): void {
    this.#retries.add({ ...of(model), reason });
  }

  rejected(reason: string): void {
    this.#rejects.add({ reason });
  }

  ejected(reason: Verdict): void {
    this.#ejections.add({ reason });
  }

  /** What is now, of every model there is. */
  observe(directory: ModelDirectory, admission: Admission): void {
    const each = (name: string, help: string, read: (model: DirectoryModel) => number) =>
      this.#registry.gauge(name, help).observeAll(() => {
        const models = directory.known ? directory.current().models : [];
        return models.map((model) => ({ labels: of(model.id), value: read(model) }));
      });
    each("localmodel.queue.depth", "Requests that wait for a place at a model server.", ({ id }) =>
      admission.waiting(id),
    );
    const held = "Requests that wait for a model which is asleep or being woken.";
    each("localmodel.requests.held", held, ({ id, endpoints, activationTimeoutSeconds }) =>
      endpoints.length === 0 && activationTimeoutSeconds !== undefined ? admission.waiting(id) : 0,
    );
    each("localmodel.requests.in_flight", "Requests that model servers work on.", ({ id }) =>
      admission.inside(id),
    );
    each(
      "localmodel.model.endpoints",
      "Endpoints that get requests.",
      ({ endpoints }) => endpoints.length,
    );
  }
}

function of(model: string): Labels {
  return { "localmodel.model": model };
}
