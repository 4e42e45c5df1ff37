/**
 * One pass over a LocalModel: observe, decide, write, report.
 *
 * Everything is decided anew from the caches and from what pods say; the only things that last from one pass
 * to the next are in the API server. The status is written before anything is taken away, because it keeps
 * what an inspect pod has found out.
 */
import type { Client } from "@localmodel/kube/wire/client.ts";
import { isConflict, isNamespaceEnding, isNotFound } from "@localmodel/kube/wire/api-errors.ts";
import { DEPLOYMENTS, PODS } from "@localmodel/kube/objects/core-resources.ts";
import type { AppliedMemory } from "@localmodel/kube/cache/applied-memory.ts";
import type { Clock } from "@localmodel/kube/time/clock.ts";
import { referenceTo } from "@localmodel/kube/events/event.ts";
import type { EventRecorder } from "@localmodel/kube/events/event-recorder.ts";
import type { Outcome, Pass, Reconcile } from "@localmodel/kube/work/reconcile.ts";
import type { Resource } from "@localmodel/kube/objects/resource.ts";
import type { WrittenVersions } from "@localmodel/kube/cache/written-versions.ts";
import { objectName } from "@localmodel/localmodel/cluster/labels.ts";
import { API_VERSION, KIND } from "@localmodel/localmodel/resource/localmodel.ts";
import { LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";
import { isDeepStrictEqual } from "node:util";
import { applyObject, deleteObject, markPod, scaleDeployment, type Writer } from "./act/apply.ts";
import { fetchPodOf } from "./act/fill-report.ts";
import { cacheUse } from "./observe/cache-use.ts";
import type { AskPods } from "./observe/ask-pods.ts";
import { type Caches, OWNED } from "./observe/caches.ts";
import { cudaImage } from "./cuda-image.ts";
import { decide, type Decision } from "./decide/decide.ts";
import type { Neighbours } from "./observe/neighbours.ts";
import type { DownloadsView } from "./observe/downloads.ts";
import type { FleetView } from "./observe/fleet.ts";
import { fetchPodName } from "./objects/fetch-pod.ts";
import { inspectPodName } from "./objects/inspect-pod.ts";
import { pullPodName } from "./objects/pull-pod.ts";
import { LOCAL_MODELS, type StoredModel } from "./model/local-model-resource.ts";
import { identityOf, isSuspended, readSpec } from "./model/model.ts";
import type { Observed } from "./model/observed.ts";
import { kubeTime } from "./model/kube-time.ts";
import type { Platform } from "./model/platform.ts";
import { factsQuestion, progressQuestions, type Question } from "./observe/questions.ts";
import { reportedStatus, unreadableStatus } from "./act/report.ts";
import { boundsOf } from "./scaling/bounds.ts";
import type { Scales, ScaleStep } from "./scaling/scales.ts";
import { stayingOf } from "./status/pod-problem.ts";
import { revisionOf } from "./status/situation.ts";
import type { Problem } from "./status/problem.ts";
import { lookUpClaim } from "./observe/claim-events.ts";
import { heldUp, lookUpPods } from "./observe/pod-events.ts";
import { lookUpWaiting } from "./observe/waiting.ts";
import type { Strangers } from "./observe/strangers.ts";
import { transitions } from "./decide/transitions.ts";
import { statusIds, type UnderClass, underClass } from "./under-class.ts";

/** When to look again whether a model is still another installation's. */
const YIELDS_MS = 10_000;
/** Nobody tells what is said of a pod. */
const HELD_UP_AGAIN_MS = 15_000;

export const FIELD_MANAGER = "localmodel-operator";

export type Surroundings = {
  readonly caches: Caches;
  readonly client: Client;
  readonly statusClient: Client;
  readonly recorder: Pick<EventRecorder, "record">;
  readonly memory: AppliedMemory;
  readonly written: WrittenVersions;
  readonly strangers: Strangers;
  readonly platform: () => Platform;
  readonly askPods: AskPods;
  readonly fleet: FleetView;
  readonly downloads: DownloadsView;
  readonly neighbours: Neighbours;
  readonly scales: Scales;
  readonly clock: Clock;
};

export function reconciler(surroundings: Surroundings): Reconcile {
  return async (pass) => {
    const set = surroundings.caches.setOf(pass.name.namespace);
    const stored = set?.models.cache.get(pass.key);
    // What was owned goes by its owner references.
    if (set === undefined || stored === undefined) return forgetDeleted(surroundings, pass);
    if (stored.metadata.deletionTimestamp !== undefined) return;
    if ((await surroundings.neighbours.holderOf(stored)) !== undefined) {
      surroundings.fleet.stays(pass.key);
      return { requeueAfterMs: YIELDS_MS };
    }
    if (!(await isClaimed(surroundings, pass, stored))) return "requeue";
    const seen = set.observe(stored);
    const client = surroundings.client.with({ signal: pass.signal });
    const [waiting, claimSays, podsSay] = await Promise.all([
      lookUpWaiting(client, seen),
      lookUpClaim(client, seen),
      lookUpPods(client, seen, surroundings.clock.date().getTime()),
    ]);
    const found = { ...(waiting && { waiting }), ...(claimSays && { claimSays }) };
    const observed = { ...seen, ...found, ...(podsSay && { podsSay }) };
    const identity = identityOf(stored);
    const read = readSpec(stored.spec);
    const now = kubeTime(surroundings.clock.date());
    if ("problem" in read) {
      surroundings.fleet.stays(pass.key);
      const ids = statusIds(stored, surroundings.caches);
      const status = unreadableStatus({ ...identity, ...ids }, observed, { ...read, now });
      return writeStatus(surroundings, pass, { stored, observed, status });
    }
    const target = { stored, observed, ...underClass(surroundings, stored, read) };
    return runPass(surroundings, pass, target).catch((error: unknown) => {
      if (!isNamespaceEnding(error)) throw error;
      // Its LocalModels are about to be deleted too, which is an event of its own.
      surroundings.fleet.stays(pass.key);
      pass.log.debug("nothing is made any more: the namespace is being deleted");
      return undefined;
    });
  };
}

/** Undefined for a model that does not scale, or not now. */
function scaleStep(
  { scales, clock }: Surroundings,
  { key }: Pass,
  { model, observed }: Pick<Target, "model" | "observed">,
): ScaleStep | undefined {
  const bounds = isSuspended(model) ? undefined : boundsOf(model, clock.date().getTime());
  if (bounds === undefined) {
    scales.forget(key);
    return undefined;
  }
  const { status, deployment, pods } = observed;
  return scales.step(key, {
    bounds,
    status,
    replicas: deployment?.spec?.replicas,
    pods: stayingOf(pods).map(({ metadata }) => metadata.name),
  });
}

/**
 * Before anything is made for a LocalModel, its status says by whom. Of two that do so at the same time, the API server
 * lets one.
 */
async function isClaimed(
  { neighbours, statusClient, written }: Surroundings,
  { key, signal }: Pass,
  { metadata, status = {} }: StoredModel,
): Promise<boolean> {
  const operator = neighbours.own;
  if (operator === undefined || status.operator === operator) return true;
  const { namespace = "", name, uid = "", resourceVersion = "" } = metadata;
  try {
    const applied = await statusClient.with({ signal }).applyStatus(LOCAL_MODELS, {
      metadata: { namespace, name, uid, resourceVersion },
      status: { ...LocalModelStatus.catch({}).parse(status), operator },
    });
    written.record(key, LOCAL_MODELS, applied);
    return true;
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return false;
    throw error;
  }
}

type Target = UnderClass & { readonly stored: StoredModel; readonly observed: Observed };

async function runPass(
  surroundings: Surroundings,
  pass: Pass,
  { stored, observed, model: plain, platform: given, classProblem: refusal, overQuota }: Target,
): Promise<Outcome> {
  const { clock, askPods, fleet, downloads } = surroundings;
  const step = scaleStep(surroundings, pass, { model: plain, observed });
  const model = { ...plain, ...(step && { scale: step.scale }) };
  const client = surroundings.client.with({ signal: pass.signal });
  const nowMs = clock.date().getTime();
  const {
    platform,
    image,
    againInMs: looksAgainInMs,
  } = await cudaImage(client, { model, platform: given, observed, nowMs });
  const moment = {
    ...cleaned(surroundings, model),
    nowMs,
    fleet: fleet.now(nowMs),
    downloads: downloads.besides(pass.key),
    ...(step && { podLoads: step.load }),
    ...(refusal && { refusal }),
  };
  const decision = decide(model, platform, observed, moment);
  // Before anything is waited for: other passes decide meanwhile.
  if (decision.begins !== undefined) fleet.begin(pass.key, decision.begins);
  downloads.decided(pass.key, downloadIn(decision));
  fleet.decided(pass.key, forOthers(decision));
  const questions = questionsOf(decision, observed);
  const [answers, { refusals, againInMs }] = await Promise.all([
    askPods([...questions.progress, ...questions.facts], pass.signal),
    write(surroundings, pass, { decision, observed, stored }),
  ]);
  const now = kubeTime(clock.date());
  const status = reportedStatus(model, observed, {
    decision,
    answers,
    refusals,
    ...(image && { image }),
    ...(overQuota && { overQuota }),
    ...(step && { isUnloaded: step.load.isUnloaded, lack: step.load.lack }),
    now,
  });
  await writeStatus(surroundings, pass, { stored, observed, status });
  const by = writer(surroundings, pass, stored);
  for (const object of decision.deletes) await deleteObject(by, object);
  if (refusals.length > 0) return "requeue";
  // What a pod has told about its model need not be asked again.
  const unanswered = status.modelRevision === decision.revision ? [] : questions.facts;
  const asked = [...questions.progress, ...unanswered].map((question) => question.againInMs);
  const held = heldUp(observed).map(() => HELD_UP_AGAIN_MS);
  const again = [decision.againInMs, cleansInMs(decision), step?.againInMs, looksAgainInMs];
  return soonest([...againInMs, ...again, ...asked, ...held]);
}

function cleansInMs({ fill }: Decision): number | undefined {
  return fill?.kind === "filled" ? fill.againInMs : undefined;
}

/** Looked for only where something may be taken out of its cache. */
function cleaned({ caches }: Surroundings, model: Target["model"]) {
  const use = model.spec.cache?.unused && cacheUse(model, caches);
  return use && { cacheUse: use };
}

/** What the others have to know of this model's part in an upgrade. */
function forOthers({ aim = "nothing", turn, room }: Decision) {
  return { aim, waits: turn?.kind === "wait", hasNoRoom: room?.kind === "useless" };
}

/** What the others have to know of this model's download. */
function downloadIn({ fill }: Decision): { from?: string; waits: boolean } {
  return {
    ...(fill?.kind === "filling" && { from: fill.host }),
    waits: fill?.kind === "queued",
  };
}

type WriteResult = { readonly refusals: readonly Problem[]; readonly againInMs: readonly number[] };

type Writes = Pick<Target, "stored" | "observed"> & { readonly decision: Decision };

/** What makes pods comes last: a pod without its ServiceAccount is refused. */
async function write(
  surroundings: Surroundings,
  pass: Pass,
  { decision, observed, stored }: Writes,
): Promise<WriteResult> {
  const by = writer(surroundings, pass, stored);
  const applyAll = (makers: boolean) =>
    Promise.all(
      decision.applies
        .filter(({ resource }) => makesPods(resource) === makers)
        .map((desired) => applyObject(by, desired, observed.objects)),
    );
  for (const pod of decision.marks ?? []) await markPod(by, pod, "first");
  for (const pod of decision.unmarks ?? []) await markPod(by, pod, "as others");
  const applied = [...(await applyAll(false)), ...(await applyAll(true))];
  const { scalesTo } = decision;
  if (scalesTo !== undefined && observed.deployment !== undefined) {
    await scaleDeployment(by, observed.deployment, scalesTo);
  }
  return {
    refusals: applied.flatMap(({ refusal }) => refusal ?? []),
    againInMs: applied.flatMap(({ againInMs }) => againInMs ?? []),
  };
}

function makesPods(resource: Resource): boolean {
  return resource === DEPLOYMENTS || resource === PODS;
}

function writer(
  { client, memory, written, strangers }: Surroundings,
  { key, signal }: Pass,
  { metadata: { uid = "", resourceVersion = "" } }: StoredModel,
): Writer {
  const model = { key, uid, resourceVersion };
  return { client: client.with({ signal }), memory, written, strangers, signal, model };
}

type Questions = { readonly progress: readonly Question[]; readonly facts: readonly Question[] };

function questionsOf(decision: Decision, { pods, inspectPod, status }: Observed): Questions {
  if (decision.kind === "inspect") {
    return { progress: progressQuestions(inspectPod ? [inspectPod] : []), facts: [] };
  }
  const fetching = progressQuestions(fetchPodOf(decision.fill));
  if (decision.kind === "fill") return { progress: fetching, facts: [] };
  const current = pods.filter((pod) => revisionOf(pod) === decision.revision);
  const isKnown = status.modelRevision === decision.revision;
  return {
    progress: [...progressQuestions(current), ...fetching],
    facts: isKnown ? [] : factsQuestion(current),
  };
}

function soonest(delaysMs: readonly (number | undefined)[]): Outcome {
  const known = delaysMs.filter((delayMs) => delayMs !== undefined);
  return known.length === 0 ? undefined : { requeueAfterMs: Math.min(...known) };
}

type StatusWrite = {
  readonly stored: StoredModel;
  readonly observed: Observed;
  readonly status: LocalModelStatus;
};

async function writeStatus(
  { statusClient, written, recorder, neighbours }: Surroundings,
  { key, signal, log }: Pass,
  { stored, observed, status: found }: StatusWrite,
): Promise<void> {
  const operator = neighbours.own;
  const status = { ...found, ...(operator !== undefined && { operator }) };
  if (isDeepStrictEqual(observed.status, status)) return;
  const { namespace = "", name, uid = "" } = stored.metadata;
  try {
    const metadata = { namespace, name, uid };
    const applied = await statusClient
      .with({ signal })
      .applyStatus(LOCAL_MODELS, { metadata, status });
    written.record(key, LOCAL_MODELS, applied);
  } catch (error) {
    // It is gone, or another one has its name: that is an event of its own.
    if (isNotFound(error) || isConflict(error))
      return log.debug("the LocalModel has gone meanwhile");
    throw error;
  }
  const regarding = referenceTo({ ...stored, apiVersion: API_VERSION, kind: KIND });
  for (const said of transitions(observed.status, status)) recorder.record({ regarding, ...said });
}

function forgetDeleted(
  { memory, strangers, fleet, downloads, scales }: Surroundings,
  { key, name }: Pass,
): void {
  strangers.forget(key);
  scales.forget(key);
  fleet.forget(key);
  downloads.forget(key);
  const object = { namespace: name.namespace ?? "", name: objectName(name.name) };
  for (const resource of OWNED) memory.forget(resource, object);
  for (const podName of [inspectPodName, pullPodName, fetchPodName]) {
    memory.forget(PODS, { ...object, name: podName(name.name) });
  }
}
