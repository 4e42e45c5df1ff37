/**
 * Puts the operator together: what it watches, which changes concern which LocalModel, and who may write.
 *
 * A change of an object concerns the LocalModel in its label. A change of a LocalModel also concerns all
 * that claim one of its ids: when the holder of an id goes, the next takes over.
 */
import { AppliedMemory } from "@localmodel/kube/cache/applied-memory.ts";
import { Client } from "@localmodel/kube/wire/client.ts";
import { type Clock, systemClock } from "@localmodel/kube/time/clock.ts";
import { Controller } from "@localmodel/kube/work/controller.ts";
import { Election } from "@localmodel/kube/election/election.ts";
import { EventRecorder } from "@localmodel/kube/events/event-recorder.ts";
import type { Log } from "@localmodel/kube/log.ts";
import { Manager } from "@localmodel/kube/manager/manager.ts";
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import type { Tracer } from "@localmodel/telemetry/spans/span.ts";
import { DEPLOYMENTS, PODS } from "@localmodel/kube/objects/core-resources.ts";
import { keyOf } from "@localmodel/kube/objects/objects.ts";
import type { Transport } from "@localmodel/kube/wire/transport.ts";
import { WrittenVersions } from "@localmodel/kube/cache/written-versions.ts";
import type { WorkQueue } from "@localmodel/kube/work/work-queue.ts";
import type { OperatorConfig } from "@localmodel/localmodel/contracts/operator-config.ts";
import { secretsIn } from "@localmodel/localmodel/contracts/server-key.ts";
import { readFileSync } from "node:fs";
import { createDemand } from "./demand.ts";
import { askPods as askRealPods, type AskPods } from "./observe/ask-pods.ts";
import { Caches, modelKeysOf } from "./observe/caches.ts";
import { DownloadsView } from "./observe/downloads.ts";
import { FleetView } from "./observe/fleet.ts";
import { Neighbours } from "./observe/neighbours.ts";
import { claimants } from "./observe/duplicates.ts";
import { LOCAL_MODELS, type StoredModel } from "./model/local-model-resource.ts";
import { modelsOfClass } from "./observe/classes.ts";
import { observeModels } from "./model-metrics.ts";
import { observeScales } from "./scale-metrics.ts";
import { FIELD_MANAGER, reconciler, type Surroundings } from "./reconcile.ts";
import { untilServerSecrets } from "./server-secret.ts";
import { Strangers } from "./observe/strangers.ts";
import { tracedReconciler } from "./traced-reconciler.ts";

type OperatorOptions = {
  readonly transport: Transport;
  readonly config: OperatorConfig;
  readonly log: Log;
  readonly metrics: MetricRegistry;
  /** This process, unlike all others. */
  readonly identity: string;
  /** The namespace it runs in, for its lease. */
  readonly namespace: string;
  readonly askPods?: AskPods;
  readonly clock?: Clock;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer | undefined;
};

const CONTROLLER = "localmodel";
const REPORTER = "localmodel.dev/operator";

export function createOperator(options: OperatorOptions): Manager {
  const { transport, config, log, metrics, identity, askPods = askRealPods, tracer } = options;
  const { clock = systemClock } = options;
  const election = config.leaderElection.enabled ? createElection(options) : undefined;
  const guard = election === undefined ? {} : { guard: election.leadership };
  const client = new Client(transport, { fieldManager: FIELD_MANAGER, ...guard });
  const caches = new Caches(transport, log, config);
  observeModels(metrics, caches);
  const fleet = new FleetView(caches, config.upgrades.maxRolling);
  const downloads = new DownloadsView(caches, config.downloads.maxPerHost);
  const written = new WrittenVersions(systemClock);
  const recorder = new EventRecorder(client, {
    reporter: { controller: REPORTER, instance: identity },
    log,
  });
  const queue = (): WorkQueue => controller.queue;
  const demand = createDemand({ transport, config, log, clock, queue });
  observeScales(metrics, demand.scales);
  const own = { serverSecrets: serverSecretsIn(config) };
  const surroundings: Surroundings = {
    caches,
    client,
    statusClient: client.with({ fieldManager: `${FIELD_MANAGER}-status` }),
    recorder,
    memory: new AppliedMemory(),
    written,
    strangers: new Strangers(client, systemClock),
    platform: () => ({ ...config, ...own }),
    askPods,
    fleet,
    downloads,
    scales: demand.scales,
    neighbours: new Neighbours({ client, clock: systemClock, log, own: installationOf(options) }),
    clock,
  };
  const reconcile =
    tracer === undefined ? reconciler(surroundings) : tracedReconciler(tracer, surroundings);
  const { workers, resyncMs } = config;
  const controller = new Controller(CONTROLLER, reconcile, {
    log,
    metrics,
    workers,
    resyncMs,
    written,
  });
  watchAll(controller, { caches, written, fleet, downloads });
  return new Manager({
    reflectors: [...caches.reflectors, ...demand.reflectors],
    controllers: [controller],
    recorder,
    ...(election && { election }),
    prepare: async (stop) => {
      const { serverKeySecret: name } = config;
      if (name !== undefined)
        own.serverSecrets = await untilServerSecrets({ client, name, log }, stop);
      demand.listen(own.serverSecrets, stop);
    },
    log,
  });
}

type Watched = Pick<Surroundings, "caches" | "written" | "fleet" | "downloads">;

function watchAll(controller: Controller, { caches, written, fleet, downloads }: Watched): void {
  const { classes } = caches;
  if (classes !== undefined) {
    controller.watches(classes.cache, ({ metadata }) =>
      modelsOfClass(metadata.name, caches).flatMap((model) => concernedBy(model, caches)),
    );
  }
  for (const { models, owned, namespace } of caches.sets) {
    controller.owns(models.cache);
    controller.watches(models.cache, (model, change) => {
      // Not for every status: only what has come, gone or changed its spec can change who has an id.
      if (change.type === "updated" && sameClaims(change.object, change.previous)) return [];
      return concernedBy(model, caches);
    });
    written.seenIn(LOCAL_MODELS, models.cache, namespace);
    for (const { resource, reflector } of owned) {
      controller.watches(reflector.cache, modelKeysOf);
      if (resource === DEPLOYMENTS) {
        controller.watches(reflector.cache, (_object, change) => fleet.concernedBy(change));
      }
      if (resource === PODS) {
        controller.watches(reflector.cache, (_object, change) => downloads.concernedBy(change));
      }
      written.seenIn(resource, reflector.cache, namespace);
    }
  }
}

/** Read once: who changes them starts the operator again. */
function serverSecretsIn({ serverKeyFile }: OperatorConfig): readonly string[] {
  return serverKeyFile === undefined ? [] : secretsIn(readFileSync(serverKeyFile, "utf8"));
}

/** Keys of all who claim one of its ids, its own included. */
function concernedBy(model: StoredModel, { modelCaches }: Caches): readonly string[] {
  return claimants(model, modelCaches).map(({ metadata }) => keyOf(metadata));
}

function sameClaims(a: StoredModel, b: StoredModel): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.generation === b.metadata.generation;
}

/** Without an election there is no lease by which others could tell that this one is there. */
function installationOf({ config, namespace }: OperatorOptions): string | undefined {
  const { enabled, name, namespace: at = namespace } = config.leaderElection;
  return enabled ? `${at}/${name}` : undefined;
}

function createElection({ transport, config, log, metrics, identity, namespace }: OperatorOptions) {
  const { name, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = config.leaderElection;
  const client = new Client(transport, { fieldManager: FIELD_MANAGER });
  return new Election(client, {
    namespace: config.leaderElection.namespace ?? namespace,
    name,
    identity,
    log,
    metrics,
    leaseMs: leaseDurationMs,
    renewDeadlineMs,
    retryMs: retryPeriodMs,
  });
}
