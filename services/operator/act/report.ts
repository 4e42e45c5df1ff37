/**
 * From a decision and what pods say to the status: gathers what status/ needs.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Lack } from "@localmodel/localmodel/contracts/demand.ts";
import { estimateMemory } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import { sentence } from "@localmodel/localmodel/contracts/sentence.ts";
import type {
  AcceleratorStatus,
  LocalModelStatus,
  ModelStatus,
} from "@localmodel/localmodel/resource/status-spec.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { usesDevices } from "../objects/gpu.ts";
import type { Decision } from "../decide/decide.ts";
import { isUnderWay } from "../decide/fill.ts";
import { duplicateNotes, duplicateProblem } from "../observe/duplicates.ts";
import {
  type Identity,
  isAsleep,
  type Model,
  askedReplicas,
  wantedReplicas,
} from "../model/model.ts";
import { boundsOf } from "../scaling/bounds.ts";
import { scalingStatus } from "../scaling/scaling-status.ts";
import { saysMemory, servedBy } from "../objects/resources.ts";
import type { Observed } from "../model/observed.ts";
import type { Answer } from "../status/answers.ts";
import { mostTellingFirst, type Problem } from "../status/problem.ts";
import { fetchPodOf, fillNotes, fillProblems } from "./fill-report.ts";
import { hasFetched, isEnding, podProblem } from "../status/pod-problem.ts";
import { replicaProblem } from "../status/refusal.ts";
import { countPods, type Kept, podProblems, revisionOf } from "../status/situation.ts";
import { statusOf } from "../status/status.ts";
import type { Outlook } from "../status/unschedulable.ts";
import type { Room } from "../decide/room.ts";
import { withoutEffect } from "../decide/unsupported.ts";

type PassResult = {
  readonly decision: Decision;
  readonly answers: ReadonlyMap<string, Answer>;
  /** What the API server did not take in this pass. */
  readonly refusals: readonly Problem[];
  /** That it asks for more than its class leaves it. */
  readonly overQuota?: Problem;
  /** That its pods are there and none has its weights in memory; undefined where nobody can tell. */
  readonly isUnloaded?: boolean | undefined;
  /** Why none has, where one was to. */
  readonly lack?: Lack | undefined;
  /** Which of the images for NVIDIA's devices its pods get. */
  readonly image?: LocalModelStatus["image"];
  readonly now: string;
};

type IdsOfStatus = Pick<Model, "allowedIds" | "refusedIds">;

const PAUSED: Problem = {
  stage: "load",
  reason: "Paused",
  message: "Paused: pods stay as they are until spec.rollout.paused is false.",
  waits: true,
};

const PULLING: Problem = {
  stage: "load",
  reason: "PullingImage",
  message: "The image is pulled on the node before an old pod makes room there.",
  waits: true,
};

export function reportedStatus(
  model: Model,
  observed: Observed,
  result: PassResult,
): LocalModelStatus {
  const { decision, answers, refusals, overQuota, isUnloaded, lack, now } = result;
  const { pods, deployment } = observed;
  const isInspecting = decision.kind === "inspect";
  const { wanted, cut, notes: quotaNotes } = underQuota(model, decision, overQuota);
  // What is wrong with pods of an earlier revision will not matter for long.
  const asked = podsBefore(decision, observed) ?? [
    ...pods.filter((pod) => revisionOf(pod) === decision.revision),
    ...fetchPodOf(decision.fill),
  ];
  const replicas = replicaProblem(deployment);
  const counted = countPods(pods, decision.revision);
  const isPaused =
    model.spec.rollout.paused && decision.kind === "serve" && counted.current < wanted;
  const lacking = lackProblems(lack);
  const problems = [
    ...refusals,
    ...cut,
    ...(replicas ? [replicas] : []),
    ...heldBack(decision, isPaused),
    ...fillProblems(decision),
    ...podProblems(asked, answers, outlookOf(decision, observed)),
    ...lacking,
  ];
  const blocker = decision.blocker ?? duplicateProblem(model);
  const situation = {
    identity: model,
    modelId: model.modelId,
    ...(blocker && { blocker }),
    wanted,
    isAsleep: isAsleep(model),
    isUnloaded: wanted > 0 && (isUnloaded ?? wasUnloaded(model, observed.status)),
    isInspecting,
    isResolved: isResolved(decision, asked),
    pods: counted,
    wantsDevices: usesDevices(model),
    problems: isIdle(decision, wanted) ? refusals : mostTellingFirst(problems),
    notes: [
      ...duplicateNotes(model),
      ...withoutEffect(model),
      ...turnNotes(decision),
      ...fillNotes(decision, wanted),
      ...quotaNotes,
      ...lacking.map(({ message }) => message),
    ],
  };
  const found = kept(model, observed, result);
  const { accelerator } = found;
  const notes = [...situation.notes, ...deviceNotes(found)];
  const status = statusOf({ ...situation, notes, ...(accelerator && { accelerator }) }, found, now);
  return withIds(status, model);
}

/** Its pods are ready, and wait for it asleep. */
function lackProblems(lack: Lack | undefined): readonly Problem[] {
  if (lack === undefined) return [];
  const message = `The weights are in no pod's memory: ${sentence(lack.message)}`;
  return [{ stage: "load", reason: lack.reason, message, waits: true }];
}

/** What a leader before said stays until the API service is heard. */
function wasUnloaded({ spec }: Model, { conditions = [] }: LocalModelStatus): boolean {
  if (spec.scaling?.sleep !== "unload") return false;
  return conditions.some(({ type, reason }) => type === "Active" && reason === "Asleep");
}

function isResolved({ inspection, fill }: Decision, asked: readonly Pod[]): boolean {
  return inspection !== undefined || fill?.kind === "filled" || asked.some(hasFetched);
}

/** What a quota cuts off is asked for nevertheless; of a model that scales it only lowers how many there may be. */
function underQuota(model: Model, { blocker }: Decision, overQuota: Problem | undefined) {
  const wanted = model.scale === undefined ? askedReplicas(model) : wantedReplicas(model);
  if (overQuota === undefined || blocker === overQuota) return { wanted, cut: [], notes: [] };
  return wanted > wantedReplicas(model)
    ? { wanted, cut: [overQuota], notes: [] }
    : { wanted, cut: [], notes: [overQuota.message] };
}

/** The one that has to come to its end before there are pods that serve. */
function podsBefore(
  { kind, fill }: Decision,
  { inspectPod }: Observed,
): readonly Pod[] | undefined {
  if (kind === "fill") return fetchPodOf(fill);
  return kind === "inspect" ? [inspectPod].filter((pod) => pod !== undefined) : undefined;
}

/** Of a suspended model nothing can be wrong, but what it does nevertheless. */
function isIdle({ kind, fill }: Decision, wanted: number): boolean {
  return wanted === 0 && kind !== "inspect" && !isUnderWay(fill);
}

function withIds(
  status: LocalModelStatus,
  { allowedIds, refusedIds = [] }: IdsOfStatus,
): LocalModelStatus {
  return {
    ...status,
    ...(allowedIds !== undefined && { allowedIds: [...allowedIds] }),
    ...(refusedIds.length > 0 && { refusedIds: [...refusedIds] }),
  };
}

function deviceNotes({ accelerator }: Kept): readonly string[] {
  if (accelerator === undefined) return [];
  const { devices, problem, layers, ofLayers } = accelerator;
  if (devices.length === 0) {
    const why = problem?.message ?? "the server finds none of its devices";
    return [`It is served on the CPU: ${sentence(why)}`];
  }
  return problem === undefined
    ? []
    : [
        `${layers ?? 0} of ${ofLayers ?? "its"} layers are on its devices: ${sentence(problem.message)}`,
      ];
}

/** For a LocalModel that cannot be read. What runs is left alone, and so is what was found out. */
export function unreadableStatus(
  identity: Identity & IdsOfStatus,
  { status: previous, pods }: Observed,
  { problem, now }: { readonly problem: string; readonly now: string },
): LocalModelStatus {
  const message = `${problem}. Correct it; until then what serves already is left as it is.`;
  const situation = {
    identity,
    modelId: previous.modelId ?? identity.name,
    blocker: { stage: "spec", reason: "InvalidSpec", message, waits: false } as const,
    wanted: 0,
    isAsleep: false,
    isUnloaded: false,
    isInspecting: false,
    isResolved: false,
    pods: countPods(pods, undefined),
    problems: [],
    notes: [],
    wantsDevices: previous.conditions?.some(({ type }) => type === "Accelerated") ?? false,
    ...(previous.accelerator && { accelerator: previous.accelerator }),
  };
  const { model, accelerator, image, modelRevision, inspection, cache, memory, scaling } = previous;
  const found = { model, accelerator, image, modelRevision, inspection, cache, memory, scaling };
  const known = Object.entries(found).filter(([, value]) => value !== undefined);
  const status = statusOf(situation, { previous, ...Object.fromEntries(known) }, now);
  return withIds(status, identity);
}

function heldBack({ pulls }: Decision, isPaused: boolean): readonly Problem[] {
  return [...(isPaused ? [PAUSED] : []), ...(pulls ? [pullProblem(pulls.pod)] : [])];
}

/** An image that cannot be pulled is told as it would be of a pod that serves. */
function pullProblem(pod: Pod | undefined): Problem {
  const problem = pod && podProblem(pod, undefined);
  return problem?.reason === "ImagePullFailed" ? problem : PULLING;
}

function turnNotes({ turn }: Decision): readonly string[] {
  switch (turn?.kind) {
    case "wait": {
      const whom = turn.models === 1 ? "another model" : `${turn.models} other models`;
      const why = turn.isTrial ? `${whom} tries it first` : `${whom} come first`;
      return [`A new version of the model server waits: ${why}.`];
    }
    case "none":
      return ["A new version of the model server waits: spec.rollout.paused is true."];
    case "go":
    case undefined:
      return [];
  }
}

const MAKE_ROOM: readonly Room["kind"][] = ["later", "now", "going"];

function outlookOf({ room, bringsNode }: Decision, { pods, podsSay }: Observed): Outlook {
  const makesRoom = room !== undefined && MAKE_ROOM.includes(room.kind);
  return {
    ...(podsSay && { podsSay, isLeaving: makesRoom || pods.some(isEnding) }),
    ...(bringsNode === true && { bringsNode }),
    makesRoom,
    ...(room?.kind === "useless" && { lacks: room.lacks }),
  };
}

function kept(
  model: Model,
  { status: previous }: Observed,
  { decision, answers, image, now }: PassResult,
): Kept {
  const inspection = decision.inspection ?? previous.inspection;
  const memory =
    decision.inspection === undefined || saysMemory(model)
      ? undefined
      : estimateMemory(decision.inspection, model.spec.engine, servedBy(model.spec));
  return {
    previous,
    ...facts(model, previous, decision, answers),
    ...(image && { image }),
    ...(inspection && { inspection }),
    ...cacheOf(decision, previous, now),
    ...(memory && { memory }),
    ...scalingOf(model, previous, { decision, now }),
  };
}

/** What a model that is held has been found to have stays. */
function cacheOf(
  { kind, fill }: Decision,
  { cache }: LocalModelStatus,
  now: string,
): Pick<Kept, "cache"> {
  if (kind === "hold" || kind === "inspect") return cache === undefined ? {} : { cache };
  if (fill?.kind !== "filled") return {};
  const { sourceHash, wasCleaned = false } = fill;
  const known = cache?.sourceHash === sourceHash ? cache : { sourceHash, filledAt: now };
  return { cache: { ...known, ...(wasCleaned && { cleanedAt: now }) } };
}

function scalingOf(
  model: Model,
  { scaling }: LocalModelStatus,
  { decision, now }: Pick<PassResult, "decision" | "now">,
): Pick<Kept, "scaling"> {
  const bounds = boundsOf(model, Date.parse(now));
  if (model.scale === undefined || bounds === undefined) return {};
  return { scaling: scalingStatus(model.scale, bounds, scaling, decision.leaving) };
}

/** What a pod said counts for pods made alike; before that, what the header says. */
function facts(
  asked: Model,
  previous: LocalModelStatus,
  { revision, inspection }: Decision,
  answers: ReadonlyMap<string, Answer>,
): Pick<Kept, "model" | "modelRevision" | "accelerator"> {
  const said = [...answers.values()].flatMap((answer) => readyState(answer) ?? []);
  if (said[0] !== undefined && revision !== undefined) {
    return {
      model: modelOf(said[0]),
      ...(usesDevices(asked) && { accelerator: acceleratorOf(said[0]) }),
      modelRevision: revision,
    };
  }
  const { model, accelerator, modelRevision } = previous;
  if (model !== undefined && modelRevision !== undefined && modelRevision === revision) {
    return { model, modelRevision, ...(accelerator && { accelerator }) };
  }
  if (inspection === undefined) return { ...(model && { model }) };
  const { architecture, parameters, quantization, sizeBytes } = inspection;
  return { model: { architecture, parameters, quantization, sizeBytes } };
}

function readyState(answer: Answer): ModelFacts | undefined {
  return answer.from === "server" &&
    (answer.state.state === "ready" || answer.state.state === "asleep")
    ? answer.state.model
    : undefined;
}

/** `memoryBytes` is missing in what servers of a version before say. */
function acceleratorOf({
  devices = [],
  memoryBytes,
  offloaded,
  driverVersion,
  acceleratorProblem: problem,
}: Partial<ModelFacts>): AcceleratorStatus {
  return {
    devices: devices.map(({ name }) => name),
    deviceMemoryBytes: devices.reduce((sum, device) => sum + device.memoryBytes, 0),
    usedBytes: memoryBytes?.vram ?? 0,
    ...offloaded,
    ...(driverVersion !== undefined && { driverVersion }),
    ...(problem !== undefined && { problem }),
  };
}

function modelOf(found: ModelFacts): ModelStatus {
  const { architecture, parameters, quantization, sizeBytes, contextTokens, capabilities } = found;
  return {
    architecture,
    parameters,
    quantization,
    sizeBytes,
    contextLength: contextTokens,
    capabilities: [...new Set(capabilities)],
  };
}
