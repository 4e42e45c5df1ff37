/**
 * What it takes to scale by demand, put together: the API pods that are listened to, what they say, and the scales that
 * follow from it.
 */
import { Reflector } from "@localmodel/kube/cache/reflector.ts";
import type { Log } from "@localmodel/kube/log.ts";
import { ENDPOINT_SLICES } from "@localmodel/kube/objects/core-resources.ts";
import type { Clock } from "@localmodel/kube/time/clock.ts";
import type { Transport } from "@localmodel/kube/wire/transport.ts";
import type { WorkQueue } from "@localmodel/kube/work/work-queue.ts";
import { demandTokenFor } from "@localmodel/localmodel/contracts/server-key.ts";
import type { OperatorConfig } from "@localmodel/localmodel/contracts/operator-config.ts";
import { DemandView } from "./scaling/demand-view.ts";
import { DemandWatch } from "./scaling/demand-watch.ts";
import { Scales } from "./scaling/scales.ts";

const SERVICE_LABEL = "kubernetes.io/service-name";

type Options = {
  readonly transport: Transport;
  readonly config: Pick<OperatorConfig, "demand">;
  readonly log: Log;
  readonly clock: Clock;
  /** Of passes over models; known only once the scales are. */
  readonly queue: () => Pick<WorkQueue, "add" | "addAfter">;
};

type Demand = {
  readonly scales: Scales;
  readonly reflectors: readonly Pick<Reflector, "name" | "hasSynced" | "synced" | "run">[];
  /** `secrets`: of the model servers, which the API service knows as well. */
  readonly listen: (secrets: readonly string[], stop: AbortSignal) => void;
};

export function createDemand({ transport, config, log, clock, queue }: Options): Demand {
  const offsetMs = clock.date().getTime() - clock.nowMs();
  const nowMs = (): number => Math.round(clock.nowMs() + offsetMs);
  const wakes = {
    now: (key: string) => queue().add(key),
    later: (key: string, inMs: number) => queue().addAfter(key, inMs),
  };
  if (config.demand === undefined) {
    return { scales: new Scales(undefined, nowMs, wakes), reflectors: [], listen: () => {} };
  }
  const { namespace, service, port } = config.demand;
  const labelSelector = `${SERVICE_LABEL}=${service}`;
  const scope = { resource: ENDPOINT_SLICES, namespace, labelSelector };
  const slices = new Reflector(transport, scope, { log });
  const view = new DemandView();
  const scales = new Scales(view, nowMs, wakes);
  const onChange = (keys: readonly string[] | "all"): void => scales.changed(keys);
  const watch = new DemandWatch({ slices: slices.cache, port, view, nowMs, onChange, clock, log });
  return {
    scales,
    reflectors: [slices],
    listen: ([secret], stop) => {
      watch.start(secret === undefined ? undefined : demandTokenFor(secret), stop);
    },
  };
}
