/**
 * The container that serves the model.
 *
 * It ends in steps, so that no answer is cut: first the kubelet waits (preStop) while the cluster learns that
 * the pod takes nothing new, then the server finishes what it has, and only then time runs out.
 */
import { sharesOf } from "@localmodel/localmodel/resource/claims.ts";
import {
  adapterRole,
  DRAFT_ROLE,
  METRICS_PORT,
  METRICS_PORT_NAME,
  PINNED_FILES_PATH,
  PROJECTOR_ROLE,
  PROMPTS_FOLDER,
  SERVER_ARGS,
  SERVER_CONTAINER,
  SERVER_PORT,
  SERVER_PORT_NAME,
  WEIGHTS_ROLE,
} from "@localmodel/localmodel/cluster/pod-layout.ts";
import {
  SERVER_CONFIG_VARIABLE,
  type ServerConfigInput,
} from "@localmodel/localmodel/contracts/server-config.ts";
import { serverKeyFor, serverKeyHash } from "@localmodel/localmodel/contracts/server-key.ts";
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { cudaCacheVariables } from "./compiled-code.ts";
import { HOME_VARIABLE, lastWords, trustVariables, variablesOf } from "./fetch-container.ts";
import { filesOf } from "./files.ts";
import { gpuOf, usesDevices } from "./gpu.ts";
import { imageFields, serverImage } from "./image.ts";
import { probesOf } from "./probes.ts";
import { serverResources } from "./resources.ts";
import { containerSecurity } from "./security.ts";
import { telemetryVariables } from "./telemetry-variables.ts";
import type { Volumes } from "./volumes.ts";

const PRE_STOP_SECONDS = 5;
const LAST_SECONDS = 10;

export function graceSeconds({ spec }: Model): number {
  return PRE_STOP_SECONDS + spec.rollout.drainSeconds + LAST_SECONDS;
}

type ServerParts = {
  readonly volumes: Volumes;
  readonly inspection: Inspection | undefined;
};

export function serverContainer(
  model: Model,
  platform: Platform,
  { volumes, inspection }: ServerParts,
) {
  return {
    name: SERVER_CONTAINER,
    args: SERVER_ARGS,
    ...imageFields(serverImage(model, platform), platform),
    env: environmentOf(model, platform),
    ports: [
      { name: SERVER_PORT_NAME, containerPort: SERVER_PORT, protocol: "TCP" },
      { name: METRICS_PORT_NAME, containerPort: METRICS_PORT, protocol: "TCP" },
    ],
    resources: serverResources(model, platform, inspection),
    volumeMounts: volumes.serverMounts,
    ...probesOf(inspection),
    lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
    securityContext: containerSecurity,
    ...lastWords,
  };
}

/** What the author may set has been decided before (unsupported.ts); never what the server is configured by. */
function environmentOf(model: Model, platform: Platform) {
  const { modelEnvironment, environment = {}, serverTrustsCaBundle: trusts, fetch } = platform;
  const config = {
    name: SERVER_CONFIG_VARIABLE,
    value: JSON.stringify(serverConfig(model, platform)),
  };
  const given = (model.spec.env ?? []).filter(({ name }) => name !== config.name);
  const defaults = [
    HOME_VARIABLE,
    ...cudaCacheVariables(model),
    ...telemetryVariables(model, modelEnvironment),
    ...variablesOf(environment),
    ...trustVariables(trusts === true ? fetch.caBundle : undefined),
  ];
  return [
    config,
    ...defaults.filter(({ name }) => !given.some((one) => one.name === name)),
    ...given,
  ];
}

/** Where conversations are kept is the pod's own business. */
function engineOf({ engine }: Model["spec"]): Model["spec"]["engine"] {
  const { promptCacheDisk: disk } = engine;
  if (disk === undefined) return engine;
  return { ...engine, promptCacheDisk: { ...disk, directory: PROMPTS_FOLDER } };
}

function expectedAccelerator(model: Model): Pick<ServerConfigInput, "accelerator"> {
  const gpu = gpuOf(model);
  return gpu !== undefined && usesDevices(model) ? { accelerator: gpu.requirement } : {};
}

/** Nothing for a model that stays loaded, or whose pods go instead. */
function sleepOf({ spec: { scaling } }: Model): SleepConfig {
  if (scaling?.sleep !== "unload" || scaling.minReplicas > 0) return {};
  const { idleSeconds, schedule } = scaling;
  // Whoever needs the device now has it; nobody has asked for this one yet.
  const sleeps = { sleepAfterSeconds: idleSeconds, startsAsleep: true };
  return { ...sleeps, ...(schedule && { awakeSchedule: schedule }) };
}

type SleepConfig = Pick<ServerConfigInput, "sleepAfterSeconds" | "startsAsleep" | "awakeSchedule">;

function serverConfig(model: Model, { serverSecrets = [] }: Platform): ServerConfigInput {
  const { spec, claim, modelId, createdSeconds } = model;
  const paths = new Map(filesOf(model).map(({ role, path }) => [role, path]));
  const [projectorPath, draftPath] = [paths.get(PROJECTOR_ROLE), paths.get(DRAFT_ROLE)];
  const [id = modelId] = sharesOf({ modelId, aliases: spec.aliases }, claim).ids;
  return {
    modelId: id,
    // Those of others too: which of them lead here is the API service's to say, and changes without a roll.
    aliases: [modelId, ...spec.aliases].filter((alias) => alias !== id),
    createdSeconds,
    weightsPath: paths.get(WEIGHTS_ROLE) ?? "",
    ...(projectorPath !== undefined && { projectorPath }),
    ...(draftPath !== undefined && { draftPath }),
    ...expectedAccelerator(model),
    pinnedFilesPath: PINNED_FILES_PATH,
    adapters: (spec.adapters ?? []).map(({ id: adapterId, scale }, index) => {
      const path = paths.get(adapterRole(index)) ?? "";
      return { ...(adapterId !== undefined && { id: adapterId }), path, scale };
    }),
    ...(spec.imageUrls !== undefined && { imageHosts: spec.imageUrls.allowedHosts }),
    engine: engineOf(spec),
    sampling: spec.sampling,
    ...sleepOf(model),
    promptLogging: spec.promptLogging,
    keySha256: serverSecrets.map((secret) =>
      serverKeyHash(serverKeyFor(secret, `${model.namespace}/${model.name}`)),
    ),
    host: "0.0.0.0",
    port: SERVER_PORT,
    metricsPort: METRICS_PORT,
    drainTimeoutMs: spec.rollout.drainSeconds * 1000,
  };
}
